//! `relbook key enroll`: lets a public key sign for a principal, within bounds.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Map, json};

use super::{enrolment, read_public};
use crate::args::Format;
use crate::author::Input;
use crate::config::Config;
use crate::error::Error;
use crate::exit_code::ExitCode;
use crate::remark;
use crate::submit;
use crate::ui::Ui;

/// Arguments of `key enroll`.
#[derive(Debug, Args)]
pub struct EnrollArgs {
    /// Who holds the key, as an opaque id such as p_olga or ci-orion
    principal: String,
    /// The file of the public key
    #[arg(value_name = "FILE.pub")]
    file: PathBuf,
    /// A role; repeat it or separate several by commas
    #[arg(long = "role", visible_alias = "roles", value_delimiter = ',', required = true)]
    roles: Vec<String>,
    /// Only events about these components (names or aliases)
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    components: Vec<String>,
    /// Only events about these environments
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    environments: Vec<String>,
}

/// Enrolls.
pub(super) fn run(args: &EnrollArgs, config: &Config, ui: &mut Ui) -> Result<ExitCode, Error> {
    let EnrollArgs { principal, file, roles, components, environments } = args;
    let key = read_public(file)?;
    let mut event = enrolment(principal, &key, roles);
    let mut writer = submit::open(config)?;
    let before = writer.registry().keyring().latest(key.id());
    if before.is_some_and(|grant| grant.suspect_from.is_some()) {
        let message = format!("the key {} was compromised", key.id());
        return Err(Error::usage(message).hint("make a new one with `relbook key new FILE`"));
    }
    if !components.is_empty() {
        let registry = writer.registry();
        let name = |word: &String| registry.resolve(word).unwrap_or(word).to_owned();
        let names: Vec<String> = components.iter().map(name).collect();
        event.insert("components".to_owned(), json!(names));
    }
    if !environments.is_empty() {
        event.insert("environments".to_owned(), json!(environments));
    }
    let remarks = remark::remarks([&event], writer.registry());
    let batch = vec![(None, Input::Fields(event))];
    let receipts = submit::append(config, ui, &mut writer, batch)?;
    let mut extra = Map::from_iter([
        ("principal".to_owned(), json!(principal)),
        ("key_id".to_owned(), json!(key.id().to_string())),
        ("roles".to_owned(), json!(roles)),
    ]);
    if !remarks.is_empty() {
        extra.insert("warnings".to_owned(), remark::to_json(&remarks));
    }
    if ui.format() == Format::Table {
        ui.line(&format!("{principal} may sign as {}", roles.join(", ")))?;
    }
    submit::show(ui, &receipts, extra)?;
    remark::show(ui, &remarks);
    Ok(ExitCode::Done)
}
