//! What a function finds in `wasi:config/store`: values that can be read back, and secrets that
//! cannot. A change holds for requests that begin after it.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Functions;
use crate::storage::StorageError;
use crate::storage::functions::ChangeError;
use crate::storage::settings::{Setting, Settings};
use crate::to_its_end::to_its_end;

/// The longest name of a setting, in bytes.
const LONGEST_NAME: usize = 128;

/// Settings of one function, at most.
const MOST: usize = 256;

/// What all settings of one function may take together, names included, in bytes: they are in memory
/// for as long as it is loaded.
const MOST_BYTES: usize = 64 << 10;

/// Why a setting was not changed.
#[derive(Debug, Error)]
pub(crate) enum SettingError {
    /// The text can't be the name of a setting.
    #[error(
        "`{0}` can't be the name of a setting: write 1 to {LONGEST_NAME} letters, digits and . _ -"
    )]
    Name(String),
    /// A secret has the name.
    #[error("`{0}` is a secret: delete it first, or give the value another name")]
    IsSecret(String),
    /// The function has as many settings as it may.
    #[error("a function has {MOST} settings at most")]
    TooMany,
    /// The settings of the function are as long as they may be.
    #[error("the settings of a function take {MOST_BYTES} bytes at most, names included")]
    TooLong,
}

/// A change of settings that is being made.
type Changing<'a, T> = BoxFuture<'a, Result<T, ChangeError>>;

/// What can be read of the settings of a function.
pub(crate) struct Visible {
    pub(crate) values: BTreeMap<String, String>,
    /// The names of the secrets.
    pub(crate) secrets: Vec<String>,
}

impl Functions {
    /// What can be read of the settings of a function.
    pub(crate) async fn settings(&self, function_id: &str) -> Result<Visible, StorageError> {
        let settings = self.storage.database.settings(function_id).await?;
        let mut visible = Visible {
            values: BTreeMap::new(),
            secrets: Vec::new(),
        };
        for (name, setting) in settings {
            match setting {
                Setting::Value(value) => {
                    visible.values.insert(name, value);
                }
                Setting::Secret(_) => visible.secrets.push(name),
            }
        }
        Ok(visible)
    }

    /// Replaces all values of a function.
    pub(crate) async fn set_values(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Result<(), SettingError>, ChangeError> {
        let values = values.clone();
        self.change_settings(tenant, key, move |functions, id| {
            async move {
                let database = &functions.storage.database;
                let present = database.settings(id).await?;
                if let Err(error) = check(&values, &present) {
                    return Ok(Err(error));
                }
                database.set_values(id, &values).await?;
                Ok(Ok(()))
            }
            .boxed()
        })
        .await
    }

    /// Sets a secret of a function.
    pub(crate) async fn set_secret(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        name: &str,
        value: &str,
    ) -> Result<Result<(), SettingError>, ChangeError> {
        let (name, value) = (name.to_owned(), Zeroizing::new(value.to_owned()));
        self.change_settings(tenant, key, move |functions, id| {
            async move {
                let storage = &functions.storage;
                let present = storage.database.settings(id).await?;
                if let Err(error) = check_name(&name) {
                    return Ok(Err(error));
                }
                if !present.contains_key(&name) && present.len() >= MOST {
                    return Ok(Err(SettingError::TooMany));
                }
                let others = present.iter().filter(|(other, _)| **other != name);
                let others = others.map(|(other, setting)| other.len() + setting.bytes());
                if others.sum::<usize>() + name.len() + value.len() > MOST_BYTES {
                    return Ok(Err(SettingError::TooLong));
                }
                let sealed = storage.seal.seal(id, &name, &value)?;
                storage.database.set_secret(id, &name, &sealed).await?;
                Ok(Ok(()))
            }
            .boxed()
        })
        .await
    }

    /// Removes a secret of a function. Whether it was there.
    pub(crate) async fn remove_secret(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        name: &str,
    ) -> Result<bool, ChangeError> {
        let name = name.to_owned();
        self.change_settings(tenant, key, move |functions, id| {
            async move {
                let database = &functions.storage.database;
                Ok(database.remove_secret(id, &name).await?)
            }
            .boxed()
        })
        .await
    }

    /// Changes the settings of a function, alone and to the end. Whether or not that succeeds, its
    /// versions are loaded again when they are next invoked, since what failed may have happened;
    /// but not where it is seen that nothing has changed: a function goes on while the disk is full.
    pub(super) async fn change_settings<T: Send + 'static>(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        change: impl for<'a> FnOnce(&'a Functions, &'a str) -> Changing<'a, T> + Send + 'static,
    ) -> Result<T, ChangeError> {
        let (functions, key) = (self.clone(), key.to_owned());
        to_its_end(async move {
            let mut alone = functions.index.change_of(tenant, &functions.turns).await;
            alone.unchanged();
            let database = &functions.storage.database;
            let function = database.function(tenant, &key).await?;
            let function = function.ok_or(ChangeError::NoFunction)?;
            let settings = database.settings(&function.id).await?;
            let changed = change(&functions, &function.id).await;
            if changed.is_err()
                && database
                    .function(tenant, &key)
                    .await
                    .ok()
                    .flatten()
                    .as_ref()
                    == Some(&function)
                && database.settings(&function.id).await.ok().as_ref() == Some(&settings)
            {
                return changed;
            }
            // It is read again when it is next used.
            alone.removed(tenant, &function);
            for number in function.versions.keys() {
                functions.loaded.remove(&function.id, *number);
            }
            changed
        })
        .await
    }

    /// The settings as the function sees them.
    pub(super) fn opened(
        &self,
        function_id: &str,
        settings: &Settings,
    ) -> Result<Vec<(String, String)>, StorageError> {
        let opened = settings.iter().map(|(name, setting)| {
            let value = match setting {
                Setting::Value(value) => value.clone(),
                Setting::Secret(sealed) => {
                    let secret = self.storage.seal.open_secret(function_id, name, sealed)?;
                    secret.to_string()
                }
            };
            Ok((name.clone(), value))
        });
        opened.collect()
    }
}

/// Whether a function may get these values, and these secrets beside those that it has.
pub(super) fn check_restored(
    values: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, Vec<u8>>,
    present: &Settings,
) -> Result<(), SettingError> {
    for name in secrets.keys() {
        check_name(name)?;
    }
    let mut all = present.clone();
    let sealed = secrets
        .iter()
        .map(|(name, sealed)| (name.clone(), Setting::Secret(sealed.clone())));
    all.extend(sealed);
    check(values, &all)
}

fn check(values: &BTreeMap<String, String>, present: &Settings) -> Result<(), SettingError> {
    for name in values.keys() {
        check_name(name)?;
        if let Some(Setting::Secret(_)) = present.get(name) {
            return Err(SettingError::IsSecret(name.clone()));
        }
    }
    let secrets = present.iter().filter(|(_, setting)| setting.is_secret());
    let secrets: Vec<_> = secrets
        .map(|(name, secret)| name.len() + secret.bytes())
        .collect();
    if values.len() + secrets.len() > MOST {
        return Err(SettingError::TooMany);
    }
    let bytes = values.iter().map(|(name, value)| name.len() + value.len());
    match bytes.chain(secrets).sum::<usize>() > MOST_BYTES {
        true => Err(SettingError::TooLong),
        false => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), SettingError> {
    let fits = (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    match fits {
        true => Ok(()),
        false => Err(SettingError::Name(
            name.chars().take(LONGEST_NAME + 1).collect(),
        )),
    }
}
