//! What a database promises of the settings of functions, and of what they used.

use std::collections::BTreeMap;

use super::functions::{id, limits, new};
use crate::storage::Metadata;
use crate::storage::settings::Setting;
use crate::storage::usage::{Amounts, UsageKey};

async fn function(database: &dyn Metadata) -> String {
    let (id, limits) = (id(), limits(9));
    let added = database.add_version(1, "a", &id, new("blake3:1"), &limits, 1);
    added.await.unwrap().function.id
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

pub(crate) async fn values_are_replaced_as_a_whole_and_secrets_stay(database: &dyn Metadata) {
    let id = function(database).await;
    assert!(database.settings(&id).await.unwrap().is_empty());
    database
        .set_values(&id, &values(&[("a", "1"), ("b", "2")]))
        .await
        .unwrap();
    database.set_secret(&id, "s", &[1, 2]).await.unwrap();
    database.set_secret(&id, "s", &[3]).await.unwrap();
    database
        .set_values(&id, &values(&[("c", "3")]))
        .await
        .unwrap();
    let settings = database.settings(&id).await.unwrap();
    let expected = BTreeMap::from([
        ("c".to_owned(), Setting::Value("3".to_owned())),
        ("s".to_owned(), Setting::Secret(vec![3])),
    ]);
    assert_eq!(settings, expected);
    assert!(!database.remove_secret(&id, "c").await.unwrap());
    assert!(database.remove_secret(&id, "s").await.unwrap());
    assert!(!database.remove_secret(&id, "s").await.unwrap());
    assert_eq!(database.settings(&id).await.unwrap().len(), 1);
}

pub(crate) async fn settings_go_with_their_function(database: &dyn Metadata) {
    let id = function(database).await;
    database
        .set_values(&id, &values(&[("a", "1")]))
        .await
        .unwrap();
    database.delete_function(1, "a").await.unwrap().unwrap();
    assert!(database.settings(&id).await.unwrap().is_empty());
}

pub(crate) async fn usage_is_added_up_by_hour_and_function(database: &dyn Metadata) {
    let key = |hour, id: &str| UsageKey {
        hour,
        tenant: 1,
        function_id: id.to_owned(),
        function_name: "a".to_owned(),
    };
    let amounts = Amounts {
        requests: 2,
        failures: 1,
        wall_us: 10,
        ..Amounts::default()
    };
    let both = [(key(5, "fn_1"), amounts), (key(6, "fn_1"), amounts)];
    database.add_usage(&both).await.unwrap();
    database.add_usage(&both[..1]).await.unwrap();
    let usage = database.usage(1, 5, 6, 10).await.unwrap();
    assert_eq!(usage.len(), 1);
    assert_eq!((usage[0].1.requests, usage[0].1.wall_us), (4, 20));
    assert_eq!(database.usage(1, 0, 100, 10).await.unwrap().len(), 2);
    assert_eq!(database.usage(1, 0, 100, 1).await.unwrap().len(), 1);
    assert!(database.usage(2, 0, 100, 10).await.unwrap().is_empty());
}
