//! A directory of its own in which a test runs the `relbook` binary, as a person would.
//!
//! Nothing of the machine leaks in: the environment variables that relbook reads are unset, and
//! HOME is the directory. What a run gives back can be looked at as text or as JSON.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// By these relbook knows that it runs in a CI job, which a test of it may itself do.
const CI_VARIABLES: [&str; 9] = [
    "GITHUB_ACTIONS",
    "GITHUB_STEP_SUMMARY",
    "GITLAB_CI",
    "BUILDKITE",
    "CIRCLECI",
    "TF_BUILD",
    "JENKINS_URL",
    "RELBOOK_SPOOL",
    "RELBOOK_SUMMARY",
];

/// A scratch directory with a way to run the binary in it.
#[derive(Debug)]
pub struct TestEnvironment {
    dir: tempfile::TempDir,
    binary: PathBuf,
}

/// How a run ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    /// The exit code; a signal is 255.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl TestEnvironment {
    /// Makes an empty directory; `binary` is the program to run.
    ///
    /// # Panics
    /// When the machine has no room for a temporary directory.
    pub fn new(binary: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        Self { dir, binary: PathBuf::from(binary) }
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into the directory, in a directory of its own if named so, and returns its
    /// name.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path().join(name);
        let dir = path.parent().unwrap_or(self.path());
        let written = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&path, content));
        written.unwrap_or_else(|error| panic!("{name}: {error}"));
        name.to_owned()
    }

    /// Copies a directory of the directory, with all that is in it.
    ///
    /// # Panics
    /// When it cannot be copied.
    pub fn copy(&self, from: &str, to: &str) {
        copy_dir(&self.path().join(from), &self.path().join(to))
            .unwrap_or_else(|error| panic!("{from}: {error}"));
    }

    /// Prepares a run; the caller may add to it.
    pub fn command<S: AsRef<OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env_remove("RELBOOK_BOOK")
            .env_remove("RELBOOK_KEY")
            .env_remove("RELBOOK_WAIT")
            .env_remove("NO_COLOR")
            .stdin(Stdio::null());
        for name in CI_VARIABLES {
            command.env_remove(name);
        }
        command
    }

    /// Runs the binary.
    pub fn run<S: AsRef<OsStr>>(&self, args: &[S]) -> Ran {
        Ran::of(&mut self.command(args))
    }

    /// Runs the binary with text on its standard input.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn run_with_input<S: AsRef<OsStr>>(&self, args: &[S], input: &[u8]) -> Ran {
        let mut child = self.spawn(args);
        let mut pipe = child.stdin.take().expect("standard input is a pipe");
        // A program that refuses the first lines need not read the rest.
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || pipe.write_all(input));
            let ran = Ran::from(child.wait_with_output().expect("the run ends"));
            drop(writer.join());
            ran
        })
    }

    /// Starts the binary with pipes on all three streams.
    ///
    /// # Panics
    /// When the binary cannot be started.
    pub fn spawn<S: AsRef<OsStr>>(&self, args: &[S]) -> Child {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary can be started")
    }
}

fn copy_dir(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        match path.is_dir() {
            true => copy_dir(&path, &target)?,
            false => std::fs::copy(&path, &target).map(drop)?,
        }
    }
    Ok(())
}

impl Ran {
    /// Runs a prepared command.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("the binary can be started"))
    }

    /// Checks the exit code and returns the run.
    ///
    /// # Panics
    /// When the exit code is another one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Returns standard output as JSON.
    ///
    /// # Panics
    /// When it is not one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

impl From<std::process::Output> for Ran {
    fn from(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(255),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
