//! The store of components of a simulated node: objects in memory, each of whose changes may fail,
//! be slow, or be the last thing that the process does. A renaming is a copy and a deletion, as in
//! a bucket.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use super::world::{Fault, World};

/// The objects as one process sees them. What is in `objects` outlives the process.
#[derive(Clone)]
pub(super) struct SimulatedObjects {
    pub(super) world: Arc<World>,
    pub(super) objects: Arc<InMemory>,
}

impl fmt::Debug for SimulatedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimulatedObjects")
    }
}

impl fmt::Display for SimulatedObjects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated objects")
    }
}

fn failed(fault: Fault) -> object_store::Error {
    object_store::Error::Generic {
        store: "simulation",
        source: Box::new(io::Error::from(fault)),
    }
}

impl SimulatedObjects {
    async fn write<T>(&self, change: impl Future<Output = Result<T>>) -> Result<T> {
        self.world.before_write().await.map_err(failed)?;
        let changed = change.await?;
        self.world.after_write().await.map_err(failed)?;
        Ok(changed)
    }
}

#[async_trait]
impl ObjectStore for SimulatedObjects {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.write(self.objects.put_opts(location, payload, options))
            .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let upload = self.write(self.objects.put_multipart_opts(location, options));
        let upload = upload.await?;
        let store = self.clone();
        Ok(Box::new(SimulatedUpload { store, upload }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.world.before_read().await.map_err(failed)?;
        self.objects.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = locations.then(move |location| {
            let store = store.clone();
            async move {
                let location = location?;
                store.write(store.objects.delete(&location)).await?;
                Ok(location)
            }
        });
        deleted.boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let world = self.world.clone();
        let objects = self.objects.list(prefix);
        let begin = async move {
            match world.before_read().await {
                Ok(()) => objects,
                Err(fault) => futures::stream::iter([Err(failed(fault))]).boxed(),
            }
        };
        futures::stream::once(begin).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.world.before_read().await.map_err(failed)?;
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.write(self.objects.copy_opts(from, to, options)).await
    }
}

/// An object that is being written.
#[derive(Debug)]
struct SimulatedUpload {
    store: SimulatedObjects,
    upload: Box<dyn MultipartUpload>,
}

#[async_trait]
impl MultipartUpload for SimulatedUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (store, part) = (self.store.clone(), self.upload.put_part(data));
        Box::pin(async move { store.write(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.store.write(self.upload.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.write(self.upload.abort()).await
    }
}
