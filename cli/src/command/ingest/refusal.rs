//! A reader's refusal as a command ends with it: exit code, code, field.

use relbook_ledger::admission::{Code, Refusal};

use crate::error::Error;
use crate::ingest::{Fault, IngestError, reader_names};

impl From<IngestError> for Error {
    fn from(error: IngestError) -> Self {
        let message = error.to_string();
        match error {
            IngestError::Read { .. } => Self::not_done("io", message),
            IngestError::UnknownReader { .. } => {
                Self::usage(message).hint(format!("--as takes one of {}", reader_names()))
            }
            IngestError::Document { fault, .. } => {
                let code = match fault {
                    Fault::DuplicateKey { .. } => Code::DuplicateKey,
                    Fault::TooLarge | Fault::TooLargeHere | Fault::TooMuch => Code::TooLarge,
                    _ => Code::Json,
                };
                Refusal::new(code, message).into()
            }
            IngestError::Missing { field, .. } => {
                Refusal::new(Code::MissingField, message).at(field).into()
            }
            IngestError::NoComponent { .. } => {
                Refusal::new(Code::MissingField, message).at("component").into()
            }
            IngestError::NoSuite { .. } => {
                Refusal::new(Code::MissingField, message).at("suite").into()
            }
            IngestError::NoDigest { .. } | IngestError::SeveralDigests { .. } => {
                Refusal::new(Code::MissingField, message).at("digest").into()
            }
            IngestError::BadDigest { .. } | IngestError::OtherDigest { .. } => {
                Refusal::new(Code::BadValue, message).at("digest").into()
            }
            IngestError::Differs { field, .. } => {
                Refusal::new(Code::BadValue, message).at(field).into()
            }
            IngestError::TooLarge { .. } | IngestError::TooLong { .. } => {
                Refusal::new(Code::TooLarge, message).into()
            }
            IngestError::Needs { field, .. } => {
                Refusal::new(Code::MissingField, message).at(field).into()
            }
            IngestError::MissingLink { .. } => {
                Refusal::new(Code::MissingField, message).at("digest").into()
            }
            IngestError::SeveralComponents { .. } => {
                Refusal::new(Code::MissingField, message).at("component").into()
            }
            IngestError::NotAuthentic { .. } => Refusal::new(Code::BadSignature, message).into(),
            IngestError::Book { .. } => Self::not_done("damaged", message),
            _ => Refusal::new(Code::BadValue, message).into(),
        }
    }
}
