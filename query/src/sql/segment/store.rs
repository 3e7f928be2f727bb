//! The store in which the engine finds the segments of one session: those files and nothing else.
//!
//! It cannot write or list, knows no path but the names in the manifest, and hands out no byte
//! whose block has not been checked.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::object_store::path::Path;
use datafusion::object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};

use super::{SealedFile, SealedRange};

const NAME: &str = "segments";

/// The segments of one session.
#[derive(Debug)]
pub(super) struct SegmentStore {
    dir: PathBuf,
    files: HashMap<String, Arc<SealedFile>>,
}

impl SegmentStore {
    pub(super) fn new(dir: PathBuf, ranges: &[SealedRange]) -> Self {
        let files = ranges.iter().flat_map(|range| range.files.values());
        let files = files.map(|file| (file.name.clone(), Arc::new(file.clone()))).collect();
        Self { dir, files }
    }
}

impl fmt::Display for SegmentStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)
    }
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: NAME, source: error.into() }
}

fn refused<T>() -> Result<T> {
    Err(failed(io::Error::from(io::ErrorKind::Unsupported)))
}

fn extent(range: Option<&GetRange>, bytes: u64) -> Range<u64> {
    match range {
        None => 0..bytes,
        Some(GetRange::Bounded(range)) => range.start.min(bytes)..range.end.min(bytes),
        Some(GetRange::Offset(start)) => (*start).min(bytes)..bytes,
        Some(GetRange::Suffix(length)) => bytes.saturating_sub(*length)..bytes,
    }
}

#[async_trait]
impl ObjectStore for SegmentStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let Some(file) = self.files.get(location.as_ref()).cloned() else {
            let source = io::Error::from(io::ErrorKind::NotFound).into();
            return Err(Error::NotFound { path: location.to_string(), source });
        };
        let range = extent(options.range.as_ref(), file.bytes);
        let meta = ObjectMeta {
            location: location.clone(),
            // Sealed once and never changed.
            last_modified: Default::default(),
            size: file.bytes,
            e_tag: None,
            version: None,
        };
        let read = if options.head {
            Vec::new()
        } else {
            let (path, range) = (self.dir.join(&file.name), range.clone());
            let read = move || file.blocks.read(&path, file.bytes, range);
            tokio::task::spawn_blocking(read).await.map_err(failed)?.map_err(failed)?
        };
        let payload = GetResultPayload::Stream(stream::iter([Ok(read.into())]).boxed());
        Ok(GetResult { payload, meta, range, attributes: Attributes::default() })
    }

    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        refused()
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        refused()
    }

    fn delete_stream(
        &self,
        _: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        stream::iter([refused()]).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter([refused()]).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        refused()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        refused()
    }
}
