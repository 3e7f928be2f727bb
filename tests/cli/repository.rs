//! A git repository in the scratch directory, made commit by commit with fixed names and times.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use relbook_testkit::environment::TestEnvironment;

/// A repository and the clock that its next commit takes.
pub(crate) struct Repository {
    dir: PathBuf,
    minutes: u32,
}

impl Repository {
    /// Makes `repo` in the scratch directory, on branch main, without a commit.
    pub(crate) fn new(env: &TestEnvironment) -> Self {
        let repository = Self { dir: env.path().join("repo"), minutes: 0 };
        std::fs::create_dir(&repository.dir).expect("the directory is new");
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    /// Runs git and returns what it prints, without white space at its end.
    #[track_caller]
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_with(args, &[], b"")
    }

    /// Runs git with further variables and an input.
    #[track_caller]
    pub(crate) fn git_with(&self, args: &[&str], vars: &[(&str, &str)], input: &[u8]) -> String {
        let time = format!("{} +0000", 1_700_000_000 + 60 * self.minutes);
        let mut command = Command::new("git");
        command
            .args(args)
            .current_dir(&self.dir)
            .env_remove("GIT_DIR")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada Example")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_COMMITTER_NAME", "Ada Example")
            .env("GIT_COMMITTER_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &time)
            .env("GIT_COMMITTER_DATE", &time)
            .envs(vars.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("git is installed");
        child.stdin.take().expect("a pipe").write_all(input).expect("git reads its input");
        let output = child.wait_with_output().expect("git ends");
        let text = |bytes| String::from_utf8_lossy(bytes).trim_end().to_owned();
        assert!(output.status.success(), "git {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Changes a file and commits it; returns the commit.
    #[track_caller]
    pub(crate) fn commit(&mut self, file: &str, message: &str) -> String {
        self.minutes += 1;
        let path = self.dir.join(file);
        std::fs::create_dir_all(path.parent().expect("it is in the repository")).expect("made");
        std::fs::write(&path, format!("{message} {}\n", self.minutes)).expect("written");
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.head()
    }

    /// Merges a branch with a merge commit; returns it.
    #[track_caller]
    pub(crate) fn merge(&mut self, branch: &str, args: &[&str]) -> String {
        self.minutes += 1;
        let message = format!("Merge branch '{branch}'");
        let fixed = ["merge", "--quiet", "--no-ff", "--message", &message];
        self.git(&[&fixed, args, &[branch]].concat());
        self.head()
    }

    /// Makes an annotated tag.
    #[track_caller]
    pub(crate) fn annotate(&mut self, tag: &str) {
        self.minutes += 1;
        self.git(&["tag", "--annotate", "--message", tag, tag]);
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Returns what `git log FROM..TO` lists.
    #[track_caller]
    pub(crate) fn log(&self, from: &str, to: &str, path: Option<&str>) -> BTreeSet<String> {
        let range = format!("{from}..{to}");
        let mut args = vec!["log", "--format=%H", &range, "--"];
        args.extend(path);
        self.git(&args).lines().map(str::to_owned).collect()
    }
}
