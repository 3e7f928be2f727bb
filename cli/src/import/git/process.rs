//! Runs git: the only file of the importer that starts a process.
//!
//! The environment is cleared, because `GIT_DIR` and its kin (set inside hooks) would turn the
//! command to another repository. HOME stays: `safe.directory` lives there. Settings that change
//! output are overridden, replacement objects and grafts are ignored (the hash must cover what is
//! read), and no transport is allowed: a partial clone fails instead of fetching.

use std::io::{BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Why a repository could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GitError {
    /// There is no git program.
    #[error("git could not be started: {source}; install git, or put it on PATH")]
    NoGit {
        /// What the system said.
        source: std::io::Error,
    },
    /// The directory is no repository, or one that git refuses to touch.
    #[error("{dir}: not a repository that git can read: {message}")]
    NoRepository {
        /// The directory.
        dir: String,
        /// What git said.
        message: String,
    },
    /// There is no commit to read.
    #[error("{dir}: the repository has no commit yet; nothing to import")]
    Empty {
        /// The directory.
        dir: String,
    },
    /// The path can not be one of the repository.
    #[error(
        "--path {path}: give a directory below the top of the repository, such as core, without \
         a leading / and without .."
    )]
    Path {
        /// The path as given.
        path: String,
    },
    /// No commit concerns the path: every difference would be empty and called complete.
    #[error(
        "--path {path}: no commit of the repository touches it; give a directory that exists, or \
         existed, in the repository"
    )]
    Untouched {
        /// The path as given.
        path: String,
    },
    /// Git failed while reading.
    #[error("git {command} failed: {message}")]
    Failed {
        /// The subcommand.
        command: String,
        /// What git said.
        message: String,
    },
    /// Git wrote something that it should not.
    #[error("git {command} wrote something unexpected: {what}; is this git older than 2.15?")]
    Output {
        /// The subcommand.
        command: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The output of git could not be read.
    #[error("the output of git could not be read: {0}")]
    Io(#[from] std::io::Error),
}

/// A repository that git can read.
#[derive(Debug)]
pub(super) struct Git {
    dir: PathBuf,
}

/// A running git whose output is read as it comes.
pub(super) struct Output {
    command: String,
    child: Child,
    stderr: std::fs::File,
    pub(super) stdout: BufReader<ChildStdout>,
}

impl Git {
    /// The environment that git keeps: where it is, who asks, where configuration and temporary
    /// files are; and what the system needs to start a process at all.
    const KEPT: &[&str] =
        &["PATH", "HOME", "XDG_CONFIG_HOME", "TMPDIR", "USERPROFILE", "SYSTEMROOT", "TEMP", "TMP"];

    /// Settings that the user may have and that would change what is read here.
    const SETTINGS: &[&str] = &[
        "i18n.logOutputEncoding=UTF-8",
        "log.showSignature=false",
        "log.mailmap=false",
        "core.quotePath=false",
        "core.fsmonitor=false",
        // The commits themselves say what their parents are, not a file that sums them up.
        "core.commitGraph=false",
        "protocol.allow=never",
    ];

    /// Finds the repository that `dir` is in.
    ///
    /// # Errors
    /// [`GitError::NoGit`], [`GitError::NoRepository`].
    pub(super) fn open(dir: &Path) -> Result<Self, GitError> {
        let git = Self { dir: dir.to_owned() };
        match git.lines(&["rev-parse", "--git-dir"], &[]) {
            Ok(_) => Ok(git),
            Err(GitError::Failed { message, .. }) => {
                Err(GitError::NoRepository { dir: dir.display().to_string(), message })
            }
            Err(error) => Err(error),
        }
    }

    /// Returns where in the work tree the directory is; `None` at its top and without a work tree.
    pub(super) fn prefix(&self) -> Result<Option<String>, GitError> {
        let prefix = self.line(&["rev-parse", "--show-prefix"]);
        Ok(prefix?.map(|prefix| prefix.trim_end_matches('/').to_owned()))
    }

    /// Tells whether history was cut off when the repository was cloned.
    pub(super) fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.line(&["rev-parse", "--is-shallow-repository"])?.as_deref() == Some("true"))
    }

    /// Returns the commit that a name leads to; `None` when there is none.
    pub(super) fn commit_of(&self, name: &str) -> Result<Option<String>, GitError> {
        let name = format!("{name}^{{commit}}");
        self.maybe(&["rev-parse", "--verify", "--quiet", &name])
    }

    /// Returns the reference that a symbolic one stands for; `None` when it is not symbolic.
    pub(super) fn symbolic(&self, name: &str) -> Result<Option<String>, GitError> {
        self.maybe(&["symbolic-ref", "--quiet", name])
    }

    /// Runs git and returns the first line; `None` when git says no (exit code 1) or nothing.
    fn maybe(&self, args: &[&str]) -> Result<Option<String>, GitError> {
        let mut output = self.stream(args, &[])?;
        let mut text = Vec::new();
        output.stdout.read_to_end(&mut text)?;
        if output.child.wait()?.code() == Some(1) {
            return Ok(None);
        }
        output.finish()?;
        Ok(first_line(&text))
    }

    fn line(&self, args: &[&str]) -> Result<Option<String>, GitError> {
        Ok(first_line(&self.lines(args, &[])?))
    }

    /// Runs git to its end and returns its output.
    pub(super) fn lines(&self, args: &[&str], input: &[String]) -> Result<Vec<u8>, GitError> {
        let mut output = self.stream(args, input)?;
        let mut bytes = Vec::new();
        output.stdout.read_to_end(&mut bytes)?;
        output.finish()?;
        Ok(bytes)
    }

    /// Starts git with `input` as lines of its standard input.
    pub(super) fn stream(&self, args: &[&str], input: &[String]) -> Result<Output, GitError> {
        // In a file, because a pipe that nobody reads would stop git once it is full.
        let stderr = tempfile::tempfile()?;
        let mut command = Command::new("git");
        command.env_clear();
        for name in Self::KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let fixed = [
            ("LC_ALL", "C"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_GRAFT_FILE", "/dev/null"),
        ];
        command.envs(fixed).arg("-C").arg(&self.dir).arg("--no-pager");
        for setting in Self::SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr.try_clone()?);
        let mut child = command.spawn().map_err(|source| GitError::NoGit { source })?;
        if let Some(mut stdin) = child.stdin.take() {
            let lines: String = input.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            // On a thread, because some git commands answer before they have read everything. A
            // git that has failed already does not read; its exit code tells.
            std::thread::spawn(move || drop(stdin.write_all(lines.as_bytes())));
        }
        let name = args.first().copied().unwrap_or_default().to_owned();
        let Some(stdout) = child.stdout.take() else {
            return Err(GitError::Output { command: name, what: "no output" });
        };
        Ok(Output { command: name, child, stderr, stdout: BufReader::new(stdout) })
    }
}

impl Output {
    /// Waits for git and asks whether it was content.
    pub(super) fn finish(mut self) -> Result<(), GitError> {
        if self.child.wait()?.success() {
            return Ok(());
        }
        const MESSAGE_BYTES_MAX: u64 = 2_000;
        let mut text = Vec::new();
        self.stderr.rewind()?;
        self.stderr.take(MESSAGE_BYTES_MAX).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let message = text.trim().trim_start_matches("fatal: ").replace('\n', "; ");
        let message = if message.is_empty() { "it said nothing".to_owned() } else { message };
        Err(GitError::Failed { command: self.command, message })
    }
}

fn first_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().next().filter(|line| !line.is_empty()).map(str::to_owned)
}

/// Splits NUL-terminated fields into records of `N`; a line feed after a record is skipped.
pub(super) fn records<const N: usize>(
    bytes: &[u8],
    command: &str,
) -> Result<Vec<[Vec<u8>; N]>, GitError> {
    let mut fields = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec);
    let mut records = Vec::new();
    loop {
        let mut record = [const { Vec::new() }; N];
        for (i, field) in record.iter_mut().enumerate() {
            match fields.next() {
                Some(next) => *field = next,
                None if i == 1 => return Ok(records),
                None => {
                    let what = "a record was cut off";
                    return Err(GitError::Output { command: command.to_owned(), what });
                }
            }
            if i == 0 && field.first() == Some(&b'\n') {
                field.remove(0);
            }
        }
        records.push(record);
    }
}

/// Returns text as UTF-8, and whether it had to be changed for that.
pub(super) fn utf8(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    }
}

/// Makes the pathspec that means exactly this path from the top of the repository.
pub(super) fn pathspec(path: &str) -> String {
    format!(":(top,literal){path}")
}
