//! The only writer to standard output and standard error.
//!
//! Answers go to standard output, everything else to standard error. Colour and progress bars
//! appear only on a terminal, colour never when `NO_COLOR` is set; no command may depend on
//! either. A reader that went away ends the command quietly.

use std::fmt::Display;
use std::io::{IsTerminal as _, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::args::Format;
use crate::error::Error;

/// Returns a number of things in words: `1 event`, `2 events`.
pub fn counted<N: Display + PartialEq + From<u8>>(count: N, thing: &str) -> String {
    let plural = if count == N::from(1) { "" } else { "s" };
    format!("{count} {thing}{plural}")
}

/// Where a command writes, and in which form.
pub struct Ui {
    out: Box<dyn Write>,
    err: Box<dyn Write>,
    format: Format,
    /// Standard output is a terminal.
    out_terminal: bool,
    /// Standard error is a terminal.
    err_terminal: bool,
    colour: bool,
}

impl Ui {
    /// Writes to the standard streams of the process.
    pub fn standard(format: Format) -> Self {
        let (out, err) = (std::io::stdout(), std::io::stderr());
        let (out_terminal, err_terminal) = (out.is_terminal(), err.is_terminal());
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out: Box::new(std::io::BufWriter::with_capacity(1 << 16, out)),
            err: Box::new(err),
            format,
            out_terminal,
            err_terminal,
            colour: err_terminal && !no_colour,
        }
    }

    /// Returns the form that answers are asked in.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Chooses the form that answers are asked in.
    pub fn set_format(&mut self, format: Format) {
        self.format = format;
    }

    /// Tells whether standard output is a terminal.
    pub fn shows_terminal(&self) -> bool {
        self.out_terminal
    }

    /// Writes text to standard output.
    ///
    /// # Errors
    /// [`Error::Closed`] when nobody reads it, [`Error::NotDone`] when it cannot be written.
    pub fn print(&mut self, text: &str) -> Result<(), Error> {
        self.bytes(text.as_bytes())
    }

    /// Writes text and a line feed to standard output.
    ///
    /// # Errors
    /// As [`Ui::print`].
    pub fn line(&mut self, text: &str) -> Result<(), Error> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Writes bytes to standard output.
    ///
    /// # Errors
    /// As [`Ui::print`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes).map_err(|error| output_error(&error))
    }

    /// Writes a JSON value: indented where a person looks, one line where a program reads.
    ///
    /// # Errors
    /// As [`Ui::print`].
    pub fn json(&mut self, value: &Value) -> Result<(), Error> {
        let text = if self.out_terminal && self.format == Format::Json {
            serde_json::to_string_pretty(value)
        } else {
            serde_json::to_string(value)
        };
        self.line(&text.map_err(|error| Error::Bug(error.to_string()))?)
    }

    /// Writes out what is still buffered.
    ///
    /// # Errors
    /// As [`Ui::print`].
    pub fn flush(&mut self) -> Result<(), Error> {
        self.out.flush().map_err(|error| output_error(&error))
    }

    /// Writes a remark to standard error; a remark that cannot be written is lost.
    pub fn note(&mut self, text: &str) {
        drop(writeln!(self.err, "{text}"));
    }

    /// Shows why the command ended early: on standard output for programs, else on standard error.
    pub fn error(&mut self, error: &Error) {
        if matches!(error, Error::Closed | Error::Shown) {
            return;
        }
        if matches!(self.format, Format::Json | Format::Ndjson) {
            // The exit code still tells when this cannot be written.
            drop(self.json(&error.to_json()));
            return;
        }
        let label = match error {
            Error::Refused { .. } => "refused",
            Error::Bug(_) => "bug",
            _ => "error",
        };
        let label = self.paint(label, "31;1");
        let mut text = format!("{label}: {error}");
        if let Some(hint) = error.hint_text() {
            text.push_str(&format!("\n  {}: {hint}", self.paint("hint", "36;1")));
        }
        self.note(&text);
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Shows a clap message: help to standard output, a usage error to standard error.
    ///
    /// # Errors
    /// As [`Ui::print`].
    pub fn clap(&mut self, error: &clap::Error) -> Result<(), Error> {
        let rendered = error.render();
        if error.use_stderr() {
            let text = if self.colour { rendered.ansi().to_string() } else { rendered.to_string() };
            drop(write!(self.err, "{text}"));
            return Ok(());
        }
        let plain = !self.out_terminal || std::env::var_os("NO_COLOR").is_some();
        self.print(&if plain { rendered.to_string() } else { rendered.ansi().to_string() })
    }

    /// Starts a progress bar on standard error; without a terminal it is invisible.
    pub fn progress(&self, what: &'static str, total: u64) -> Progress {
        let target = if self.err_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "{msg} [{bar:30}] {human_pos}/{human_len} {per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        Progress(bar)
    }
}

/// A progress bar that goes away when it is dropped.
pub struct Progress(ProgressBar);

impl Progress {
    /// Says how far the work is.
    pub fn at(&self, done: u64) {
        self.0.set_position(done);
    }

    /// Says how far the work is, and how far it has to go.
    pub fn of(&self, done: u64, total: u64) {
        self.0.set_length(total);
        self.0.set_position(done);
    }

    /// Redraws the bar now and then even when nothing moves.
    pub fn tick(&self) {
        self.0.enable_steady_tick(Duration::from_millis(200));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn output_error(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        return Error::Closed;
    }
    Error::not_done("io", format!("cannot write to standard output: {error}"))
}
