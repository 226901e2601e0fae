//! Lists that a node answers in pages, each with the cursor of the next one.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::connection::Client;
use super::error::ClientError;
use super::request::{Call, Target};

/// Asks for each page in turn, as long as `take` finds the cursor of another one in it.
///
/// # Errors
///
/// Where a page can't be had, or `take` fails.
pub async fn each_page<T: DeserializeOwned>(
    client: &Client,
    target: impl Fn() -> Target,
    mut take: impl FnMut(&Bytes, T) -> Result<Option<String>, ClientError>,
) -> Result<(), ClientError> {
    let mut after: Option<String> = None;
    loop {
        let target = target().with_query("after", after.as_deref());
        let (json, page) = client.json(Call::get(target)).await?;
        let next = take(&json, page)?;
        // A node that answers with the same cursor for ever must not keep us for as long.
        if next.is_none() || next == after {
            return Ok(());
        }
        after = next;
    }
}
