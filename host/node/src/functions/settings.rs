//! What a function finds in `wasi:config/store`: values that can be read back, and secrets that
//! cannot. A change holds for requests that begin after it.

use std::collections::BTreeMap;

use thiserror::Error;

use super::Functions;
use crate::storage::StorageError;
use crate::storage::functions::{ChangeError, Function};
use crate::storage::settings::{Setting, Settings};

/// The longest name of a setting, in bytes.
const LONGEST_NAME: usize = 128;

/// Settings of one function, at most.
const MOST: usize = 256;

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
}

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
        &self,
        tenant: u64,
        key: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<Result<(), SettingError>, ChangeError> {
        let _change = self.index.change().await;
        let database = &self.storage.database;
        let function = database.function(tenant, key).await?;
        let function = function.ok_or(ChangeError::NoFunction)?;
        let present = database.settings(&function.id).await?;
        let secrets = present
            .iter()
            .filter(|(_, setting)| matches!(setting, Setting::Secret(_)))
            .count();
        if let Err(error) = check(values, &present, secrets) {
            return Ok(Err(error));
        }
        database.set_values(&function.id, values).await?;
        self.reload(&function);
        Ok(Ok(()))
    }

    /// Sets a secret of a function.
    pub(crate) async fn set_secret(
        &self,
        tenant: u64,
        key: &str,
        name: &str,
        value: &str,
    ) -> Result<Result<(), SettingError>, ChangeError> {
        let _change = self.index.change().await;
        let database = &self.storage.database;
        let function = database.function(tenant, key).await?;
        let function = function.ok_or(ChangeError::NoFunction)?;
        let present = database.settings(&function.id).await?;
        if let Err(error) = check_name(name) {
            return Ok(Err(error));
        }
        if !present.contains_key(name) && present.len() >= MOST {
            return Ok(Err(SettingError::TooMany));
        }
        let sealed = self.storage.seal.seal(&function.id, name, value)?;
        database.set_secret(&function.id, name, &sealed).await?;
        self.reload(&function);
        Ok(Ok(()))
    }

    /// Removes a secret of a function. Whether it was there.
    pub(crate) async fn remove_secret(
        &self,
        tenant: u64,
        key: &str,
        name: &str,
    ) -> Result<bool, ChangeError> {
        let _change = self.index.change().await;
        let database = &self.storage.database;
        let function = database.function(tenant, key).await?;
        let function = function.ok_or(ChangeError::NoFunction)?;
        let removed = database.remove_secret(&function.id, name).await?;
        self.reload(&function);
        Ok(removed)
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

    /// Has the versions of a function loaded again when they are next invoked.
    pub(super) fn reload(&self, function: &Function) {
        for number in function.versions.keys() {
            self.loaded.remove(&function.id, *number);
        }
    }
}

fn check(
    values: &BTreeMap<String, String>,
    present: &Settings,
    secrets: usize,
) -> Result<(), SettingError> {
    for name in values.keys() {
        check_name(name)?;
        if let Some(Setting::Secret(_)) = present.get(name) {
            return Err(SettingError::IsSecret(name.clone()));
        }
    }
    match values.len() + secrets > MOST {
        true => Err(SettingError::TooMany),
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
