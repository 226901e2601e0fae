//! What a node expects of a database, as tests that each one has to pass: SQLite here, and the one of
//! simulations. [`random`] has the two do the same things and compares what they say.

pub(crate) mod functions;
pub(crate) mod jobs;
pub(crate) mod random;
pub(crate) mod settings;

/// Runs all tests of the suite on new databases, each of which `$open` returns with whatever has to
/// stay as long as it does.
macro_rules! conformance {
    ($open:expr) => {
        $crate::storage::conformance::conformance! {
            $open;
            functions: [
                a_deployment_makes_a_version_that_gets_all_requests,
                a_tenant_sees_its_own_functions_alone,
                functions_are_listed_by_name_from_where_the_last_page_ended,
                a_tenant_with_as_many_functions_as_it_may_have_can_deploy_those_again,
                traffic_goes_to_versions_that_exist,
                the_oldest_versions_that_get_no_requests_go_where_there_are_too_many,
                a_tenant_stores_as_much_as_it_may_and_more_when_it_has_deleted_some,
                a_tenants_versions_have_as_many_assets_as_they_may,
            ];
            jobs: [
                one_key_makes_one_job,
                a_job_runs_once_and_ends_once,
                a_cancelled_job_stays_cancelled,
                what_ran_when_the_node_ended_is_run_again_a_few_times_or_is_lost,
                an_attempt_whose_end_is_written_late_ends_no_other,
                jobs_that_nobody_runs_wait_again,
                a_job_is_due_where_the_clock_was_set_back,
                jobs_are_listed_newest_first_by_function_and_state,
                what_jobs_store_is_given_back_as_they_end_and_are_removed,
                long_headers_of_jobs_count_among_what_their_tenant_stores,
            ];
            settings: [
                values_are_replaced_as_a_whole_and_secrets_stay,
                settings_go_with_their_function,
                usage_is_added_up_by_hour_and_function,
            ];
        }
    };
    ($open:expr; $($module:ident: [$($test:ident,)*];)*) => {
        $($(
            #[tokio::test]
            async fn $test() {
                let (database, _kept) = $open.await;
                $crate::storage::conformance::$module::$test(&database).await;
            }
        )*)*
    };
}

pub(crate) use conformance;

mod sqlite {
    #![allow(clippy::unwrap_used)]

    use tempfile::TempDir;

    use crate::storage::database::Database;

    async fn open() -> (Database, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        (Database::open(&path).await.unwrap(), folder)
    }

    super::conformance!(open());
}
