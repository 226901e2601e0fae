//! What a client stages for the next version of a function, and takes from it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Client, component, digest_of};
use crate::clock::Clock;
use crate::functions::{AssetError, AssetPath, DeployError};
use crate::simulation::model::{State, conflicts, staged};

impl Client {
    pub(super) async fn change_assets(&self, name: &str) {
        let path = ["a", "d", "d/e"][self.random(|rng| rng.usize(0..3))];
        match self.random(|rng| rng.u8(0..8)) {
            0 => self.unstage_all(name).await,
            1 | 2 => self.unstage(name, path).await,
            _ => self.stage(name, path).await,
        }
    }

    async fn stage(&self, name: &str, path: &str) {
        // Some are equal to each other, and to a component.
        let number = self.random(|rng| rng.u32(0..4));
        let text = match number {
            0 => component(0),
            _ => format!("asset {number}"),
        };
        let digest = digest_of(&text);
        let change = |state: &State| staged(state, path, Some(&digest));
        let before = self.with(|model| {
            let key = (self.tenant(), name.to_owned());
            model.functions.entry(key).or_default().candidates.clone()
        });
        self.begin(name, change);
        let staging = async {
            let path = AssetPath::parse(path)?;
            let place = self.functions.deployment_place(self.tenant());
            let place = place.map_err(AssetError::Upload)?;
            let uploading = self
                .functions
                .upload_asset(self.tenant(), name, path, place);
            let mut upload = uploading.await?;
            for piece in text.as_bytes().chunks(5) {
                self.world.sleep(Duration::from_millis(1)).await;
                upload.write(piece).await?;
            }
            upload.finish().await
        };
        match self.patient(staging).await {
            None => {}
            Some(Ok(asset)) => {
                if asset.digest != digest {
                    self.with(|model| model.fault(format!("{name}: {path} is {asset:?}")));
                }
                self.end(name, &format!("{path} is staged"), |state| {
                    change(state) == *state && !conflicts(state, path)
                });
            }
            Some(Err(AssetError::Conflict { .. })) => {
                self.end(name, &format!("{path} conflicts"), |state| {
                    before.contains(state) && conflicts(state, path)
                });
            }
            Some(Err(AssetError::Upload(DeployError::Storage(_) | DeployError::Internal))) => {
                self.unknown(name);
            }
            Some(Err(error)) => {
                let what = format!("{path} is not staged: {error:?}");
                self.end(name, &what, |state| before.contains(state));
            }
        }
    }

    async fn unstage(&self, name: &str, path: &str) {
        let change = |state: &State| staged(state, path, None);
        self.begin(name, change);
        let unstaging = async {
            let path = AssetPath::parse(path)?;
            self.functions
                .remove_asset(self.tenant(), name, &path)
                .await
        };
        match self.patient(unstaging).await {
            None => {}
            Some(Ok(()) | Err(AssetError::NoAsset)) => {
                self.end(name, &format!("{path} is not staged"), |state| {
                    change(state) == *state
                });
            }
            Some(Err(_)) => self.unknown(name),
        }
    }

    async fn unstage_all(&self, name: &str) {
        let change = |state: &State| State {
            staged: BTreeMap::new(),
            ..state.clone()
        };
        self.begin(name, change);
        let unstaging = self.functions.remove_assets(self.tenant(), name);
        match self.patient(unstaging).await {
            None => {}
            Some(Ok(())) => self.end(name, "nothing is staged", |state| change(state) == *state),
            Some(Err(AssetError::NoFunction)) => {
                self.end(name, "there is nothing", |state| *state == State::default());
            }
            Some(Err(_)) => self.unknown(name),
        }
    }
}
