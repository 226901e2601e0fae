//! Whatever clients send, there are only so many series.

use reqwest::Method;
use tensor_wasm_tests::{Serve, guest};

use super::{Page, measured};

#[test]
fn a_flood_of_methods_statuses_and_tenants_makes_no_more_series_than_there_is_room_for() {
    let server = measured(
        Serve::new(guest("status_of_path"))
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .arg("--audit-log=none")
            .arg("--reuse=1000"),
    );
    let requests = 400_u64;
    for number in 0..requests {
        let method = Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
        let status = 200 + number % 300;
        let request = server.request(method, &format!("/{status}"));
        let tenant = number * 1_000_003;
        server.send(request.header("x-tensorwasm-tenant", tenant.to_string()));
    }
    let page = Page::eventually(&server, "all requests", |page| {
        page.sum("tensor_wasm_tenant_requests_total") == requests as f64
            && page.sum("tensor_wasm_http_requests_total") == requests as f64
    });
    let tenants = page.all("tensor_wasm_tenant_requests_total");
    // 200 tenants, and those that share.
    assert_eq!(tenants.len(), 201, "{tenants:?}");
    let others = page.of_label("tensor_wasm_tenant_requests_total", "tenant", "other");
    assert_eq!(others, requests as f64 - 200.0);
    let counted = page.all("tensor_wasm_http_requests_total");
    assert!(
        counted
            .iter()
            .all(|(series, _)| series.contains("method=\"other\""))
    );
    assert!(counted.len() <= 300, "{}", counted.len());
}

#[test]
fn tenants_that_the_configuration_names_have_series_of_their_own_in_any_case() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    std::fs::write(&file, "[tenants.987654321]\nname = \"acme\"\n").unwrap();
    let server = measured(
        Serve::new(guest("hello"))
            .arg("--config")
            .arg(&file)
            .arg("--policy")
            .arg(guest("policy_admits_as"))
            .arg("--audit-log=none")
            .arg("--reuse=1000"),
    );
    for tenant in (0..250).chain([987_654_321]) {
        let request = server.request(Method::GET, "/");
        server.send(request.header("x-tensorwasm-tenant", tenant.to_string()));
    }
    let page = Page::eventually(&server, "all requests", |page| {
        page.sum("tensor_wasm_tenant_requests_total") == 251.0
    });
    let requests = "tensor_wasm_tenant_requests_total";
    assert_eq!(page.of_tenant(requests, 987_654_321), 1.0);
    assert_eq!(page.of_label(requests, "tenant", "other"), 51.0);
}
