//! What a database promises of functions and their versions.

use std::collections::BTreeMap;

use crate::storage::Metadata;
use crate::storage::assets::{Asset, AssetOwner, StageLimits};
use crate::storage::functions::{
    ChangeError, Function, Imports, NewVersion, TenantLimits, new_function_id,
};

pub(crate) fn new(digest: &str) -> NewVersion {
    NewVersion {
        digest: digest.to_owned(),
        size_bytes: 8,
        imports: Imports::default(),
        created_by: Some("alice".to_owned()),
    }
}

pub(crate) fn limits(functions: u32) -> TenantLimits {
    TenantLimits {
        functions,
        versions: 3,
        stored_bytes: 100,
        assets: 100,
    }
}

pub(crate) fn id() -> String {
    new_function_id().unwrap()
}

pub(crate) async fn a_deployment_makes_a_version_that_gets_all_requests(database: &dyn Metadata) {
    let first = database
        .add_version(7, "a", &id(), new("blake3:1"), &limits(9), 10)
        .await
        .unwrap()
        .function;
    let second = database
        .add_version(7, "a", &id(), new("blake3:2"), &limits(9), 20)
        .await
        .unwrap()
        .function;
    assert_eq!(first.id, second.id);
    assert_eq!((second.created_ms, second.updated_ms), (10, 20));
    let weights: Vec<_> = second
        .versions
        .values()
        .map(|version| version.weight)
        .collect();
    assert_eq!(weights, [0, 100]);
    assert_eq!(second.active().unwrap().0, 2);
    assert_eq!(second.versions[&2].created_by.as_deref(), Some("alice"));
    for key in [first.id.as_str(), "a"] {
        let found = database.function(7, key).await.unwrap().unwrap();
        assert_eq!(found.versions.len(), 2);
    }
}

pub(crate) async fn a_tenant_sees_its_own_functions_alone(database: &dyn Metadata) {
    let largest = u64::MAX;
    let mine = database
        .add_version(largest, "a", &id(), new("blake3:1"), &limits(9), 1)
        .await
        .unwrap()
        .function;
    database
        .add_version(1, "a", &id(), new("blake3:1"), &limits(9), 1)
        .await
        .unwrap();
    assert!(database.function(1, &mine.id).await.unwrap().is_none());
    assert!(
        database
            .delete_function(1, &mine.id)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(database.functions(largest, "", 10).await.unwrap().len(), 1);
    assert!(database.functions(2, "", 10).await.unwrap().is_empty());
    database
        .delete_function(largest, "a")
        .await
        .unwrap()
        .unwrap();
    assert!(database.is_used("blake3:1").await.unwrap());
    database.delete_function(1, "a").await.unwrap().unwrap();
    assert!(!database.is_used("blake3:1").await.unwrap());
}

pub(crate) async fn functions_are_listed_by_name_from_where_the_last_page_ended(
    database: &dyn Metadata,
) {
    for name in ["c", "a", "b"] {
        database
            .add_version(0, name, &id(), new("blake3:1"), &limits(9), 1)
            .await
            .unwrap();
    }
    let names = async |after: &str, limit| -> Vec<String> {
        let found = database.functions(0, after, limit).await.unwrap();
        found.into_iter().map(|function| function.name).collect()
    };
    assert_eq!(names("", 2).await, ["a", "b"]);
    assert_eq!(names("b", 2).await, ["c"]);
}

pub(crate) async fn a_tenant_with_as_many_functions_as_it_may_have_can_deploy_those_again(
    database: &dyn Metadata,
) {
    database
        .add_version(0, "a", &id(), new("blake3:1"), &limits(1), 1)
        .await
        .unwrap();
    let error = database
        .add_version(0, "b", &id(), new("blake3:1"), &limits(1), 1)
        .await
        .unwrap_err();
    assert!(
        matches!(error, ChangeError::TooMany { limit: 1 }),
        "{error:?}"
    );
    database
        .add_version(0, "a", &id(), new("blake3:1"), &limits(1), 1)
        .await
        .unwrap();
    database
        .add_version(1, "b", &id(), new("blake3:1"), &limits(1), 1)
        .await
        .unwrap();
}

pub(crate) async fn traffic_goes_to_versions_that_exist(database: &dyn Metadata) {
    for digest in ["blake3:1", "blake3:2"] {
        database
            .add_version(0, "a", &id(), new(digest), &limits(9), 1)
            .await
            .unwrap();
    }
    let weights = BTreeMap::from([(1, 90), (2, 10)]);
    let function = database.set_traffic(0, "a", &weights, 5).await.unwrap();
    assert_eq!(function.updated_ms, 5);
    assert_eq!(function.versions[&1].weight, 90);
    assert_eq!(function.versions[&2].weight, 10);
    let missing = BTreeMap::from([(1, 50), (3, 50)]);
    let error = database.set_traffic(0, "a", &missing, 6).await.unwrap_err();
    assert!(matches!(error, ChangeError::NoVersion(3)), "{error:?}");
    let function = database.function(0, "a").await.unwrap().unwrap();
    assert_eq!(function.versions[&1].weight, 90);
}

pub(crate) async fn the_oldest_versions_that_get_no_requests_go_where_there_are_too_many(
    database: &dyn Metadata,
) {
    let add = async |digest: &str| {
        let added = database
            .add_version(0, "a", &id(), new(digest), &limits(9), 1)
            .await;
        added.unwrap()
    };
    add("blake3:1").await;
    let weights = BTreeMap::from([(1, 100)]);
    for number in 2..=4 {
        add(&format!("blake3:{number}")).await;
        database.set_traffic(0, "a", &weights, 1).await.unwrap();
    }
    // The first one has the requests, and stays while it can be gone back to.
    let numbers = |function: &Function| function.versions.keys().copied().collect::<Vec<_>>();
    let added = add("blake3:5").await;
    assert_eq!(numbers(&added.function), [1, 3, 4, 5]);
    assert_eq!(added.pruned, ["blake3:2"]);
    let added = add("blake3:6").await;
    assert_eq!(numbers(&added.function), [4, 5, 6]);
    assert_eq!(added.pruned, ["blake3:1", "blake3:3"]);
}

pub(crate) async fn a_tenant_stores_as_much_as_it_may_and_more_when_it_has_deleted_some(
    database: &dyn Metadata,
) {
    let add = async |tenant, name: &str| {
        let (limits, new) = (limits(99), new("blake3:1"));
        database
            .add_version(tenant, name, &id(), new, &limits, 1)
            .await
    };
    // Of 8 bytes each.
    for number in 0..12 {
        add(1, &number.to_string()).await.unwrap();
    }
    let error = add(1, "x").await.unwrap_err();
    assert!(
        matches!(error, ChangeError::TooMuch { limit: 100 }),
        "{error:?}"
    );
    add(2, "x").await.unwrap();
    database.delete_function(1, "0").await.unwrap().unwrap();
    add(1, "x").await.unwrap();
    add(1, "y").await.unwrap_err();
}

pub(crate) async fn a_tenants_versions_have_as_many_assets_as_they_may(database: &dyn Metadata) {
    let owner = AssetOwner {
        tenant: 7,
        function_name: "a",
    };
    let asset = Asset {
        digest: "blake3:x".to_owned(),
        size_bytes: 1,
    };
    let stage = StageLimits {
        files: 9,
        stored_bytes: 100,
    };
    database
        .stage_asset(owner, "x", &asset, stage)
        .await
        .unwrap();
    let limits = TenantLimits {
        assets: 3,
        ..limits(9)
    };
    let deploy = async |name: &'static str| {
        let id = id();
        let added = database.add_version(7, name, &id, new("blake3:1"), &limits, 10);
        added.await
    };
    // With what is staged, three.
    for _ in 0..2 {
        deploy("a").await.unwrap();
    }
    let error = deploy("a").await.unwrap_err();
    assert!(matches!(error, ChangeError::TooManyAssets { limit: 3 }));
    deploy("without").await.unwrap();
    database.unstage_assets(owner).await.unwrap();
    deploy("a").await.unwrap();
}
