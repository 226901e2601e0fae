//! Lists that a node answers in pages, each with the cursor of the next one.

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::connection::Client;
use super::error::ClientError;
use super::model::Page;
use super::output;
use super::request::{Call, Target};

/// All rows of a list, page after page.
///
/// # Errors
///
/// Where a page can't be had.
pub async fn rows<P: Page>(
    client: &Client,
    target: impl Fn() -> Target,
) -> Result<Vec<P::Row>, ClientError> {
    let mut rows = Vec::new();
    each_page(client, target, |_, page: P| {
        let (more, next) = page.take();
        rows.extend(more);
        Ok(next)
    })
    .await?;
    Ok(rows)
}

/// Prints the JSON of a list, a document for each page.
///
/// # Errors
///
/// Where a page can't be had or printed.
pub async fn print_pages<P: Page>(
    client: &Client,
    target: impl Fn() -> Target,
) -> Result<(), ClientError> {
    each_page(client, target, |json, page: P| {
        output::print_json(json)?;
        let (_, next) = page.take();
        Ok(next)
    })
    .await
}

/// Asks for each page in turn, as long as `take` finds the cursor of another one in it.
async fn each_page<T: DeserializeOwned>(
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
