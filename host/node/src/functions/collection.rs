//! Which components may be removed: those that no version refers to, and that no deployment is
//! about to refer to.

use std::collections::HashMap;

use tokio::sync::Mutex;

use super::Functions;

/// How many deployments have each component in hand, by digest. The lock is held while a component
/// is removed, and never while one is compiled.
#[derive(Default)]
pub(super) struct Collection(Mutex<HashMap<String, usize>>);

impl Collection {
    /// A deployment is about to store this component.
    pub(super) async fn pin(&self, digest: &str) {
        *self.0.lock().await.entry(digest.to_owned()).or_default() += 1;
    }

    /// The deployment has ended: a version refers to the component, or it failed.
    pub(super) async fn unpin(&self, digest: &str) {
        let mut pinned = self.0.lock().await;
        if let Some(count) = pinned.get_mut(digest) {
            *count -= 1;
            if *count == 0 {
                pinned.remove(digest);
            }
        }
    }
}

impl Functions {
    /// Removes those of these components that nothing refers to. Where that fails, the next start
    /// does it.
    pub(super) async fn remove_unused(&self, digests: &[String]) {
        for digest in digests {
            let pinned = self.collection.0.lock().await;
            if pinned.contains_key(digest) {
                continue;
            }
            let removed = match self.storage.database.is_used(digest).await {
                Ok(true) => continue,
                Ok(false) => self.storage.components.remove(digest).await,
                Err(error) => Err(error),
            };
            if let Err(error) = removed {
                tracing::warn!(
                    digest,
                    "a component that is not used stays for now: {error}"
                );
            }
        }
    }
}
