//! GPU grants and limits for each tenant, and the answers to a tenant without a grant.

use std::fs;

use reqwest::Method;
use tempfile::TempDir;
use tensor_wasm_tests::{Output, Reply, Serve, Server, component, guest, run};

/// A server with this configuration, behind a policy that admits every request for the
/// tenant that it names.
fn serve(application: &str, configuration: &str, options: &[&str]) -> (Server, TempDir) {
    let (serve, folder) = configured(application, configuration, options);
    (serve.start(), folder)
}

fn configured(application: &str, configuration: &str, options: &[&str]) -> (Serve, TempDir) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, configuration).unwrap();
    let serve = Serve::new(guest(application))
        .arg("--config")
        .arg(file)
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .args(options);
    (serve, folder)
}

fn refused(application: &str, configuration: &str, options: &[&str]) -> Output {
    let (serve, _folder) = configured(application, configuration, options);
    serve.refused()
}

fn ask(server: &Server, tenant: u64, path: &str) -> Reply {
    let request = server.request(Method::GET, path);
    server.send(request.header("x-tensorwasm-tenant", tenant.to_string()))
}

const TENANTS: &str = r#"
[tenants.default]
gpu = "grant"
gpu-memory-bytes = "1MiB"

[tenants.7]
name = "acme"
gpu-memory-bytes = "2MiB"

[tenants.8]
gpu = "deny"

[tenants.9]
name = "globex"
gpu = "refuse"
"#;

#[test]
fn each_tenant_has_its_own_grant_and_limits() {
    let (server, _folder) = serve("tenant_device", TENANTS, &[]);
    assert_eq!(ask(&server, 1, "/").json()["memory_limit"], 1 << 20);
    assert_eq!(ask(&server, 7, "/").json()["memory_limit"], 2 << 20);
    assert_eq!(ask(&server, 8, "/").json()["error"], "denied");
    ask(&server, 9, "/").assert_error(403, "gpu_refused");

    let too_much = format!("/{}", (1 << 20) + 1);
    assert_eq!(ask(&server, 1, &too_much).json()["error"], "quota_exceeded");
    assert_eq!(ask(&server, 7, &too_much).status, 200);
}

#[test]
fn tenants_refused_a_capability_are_listed_at_start_with_the_imports_concerned() {
    let (server, _folder) = serve("tenant_device", TENANTS, &[]);
    let text = &server.start().text;
    let line = text
        .lines()
        .find(|line| line.starts_with("refused to tenant "))
        .unwrap_or_else(|| panic!("{text}"));
    assert!(line.contains("globex (9)") && line.contains("tensor:gpu/kernels@0.1.0"));
}

#[test]
fn a_component_that_does_not_import_the_gpu_serves_every_tenant() {
    let (server, _folder) = serve("hello", TENANTS, &[]);
    assert_eq!(ask(&server, 9, "/").text(), "hello\n");
}

#[test]
fn a_component_that_every_tenant_is_refused_is_not_loaded() {
    let all = "[tenants.default]\ngpu = \"refuse\"\n[tenants.9]\nname = \"globex\"\n";
    let output = refused("tenant_device", all, &[]);
    assert_eq!(output.code, Some(1));
    for word in ["globex (9)", "tensor:gpu/kernels@0.1.0"] {
        assert!(output.stderr.contains(word), "{}", output.stderr);
    }
}

#[test]
fn limits_are_counted_for_each_tenant_separately() {
    let (server, _folder) = serve("tenant_device", TENANTS, &[]);
    for tenant in [1, 2] {
        let reply = ask(&server, tenant, "/1000000").json();
        assert_eq!(reply["memory_used"], 1_000_000, "{reply}");
    }
}

#[test]
fn a_reused_instance_charges_each_request_to_its_own_tenant() {
    let (server, _folder) = serve("tenant_device", TENANTS, &["--reuse=1000"]);
    for _ in 0..3 {
        assert_eq!(ask(&server, 1, "/").json()["memory_limit"], 1 << 20);
        assert_eq!(ask(&server, 7, "/").json()["memory_limit"], 2 << 20);
        assert_eq!(ask(&server, 8, "/").json()["error"], "denied");
    }
}

#[test]
fn a_tenants_grant_applies_inside_a_composite() {
    let folder = TempDir::new().unwrap();
    let composite = folder.path().join("composite.wasm");
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, TENANTS).unwrap();
    let composed = run([
        "compose".as_ref(),
        guest("policy_admits_as").as_os_str(),
        guest("tenant_device").as_os_str(),
        "-o".as_ref(),
        composite.as_os_str(),
    ]);
    assert_eq!(composed.code, Some(0), "{}", composed.stderr);
    let server = Serve::new(&composite).arg("--config").arg(&file).start();
    assert_eq!(ask(&server, 1, "/").json()["memory_limit"], 1 << 20);
    assert_eq!(ask(&server, 7, "/").json()["memory_limit"], 2 << 20);
    assert_eq!(ask(&server, 8, "/").json()["error"], "denied");
    ask(&server, 9, "/").assert_error(403, "gpu_refused");
}

#[test]
fn the_image_service_works_for_a_tenant_that_is_denied_the_device() {
    let picture = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../docs/images/before.png"
    ));
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("tensor-wasm.toml");
    fs::write(&file, "[tenants.8]\ngpu = \"deny\"\n").unwrap();
    let server = Serve::new(component("image"))
        .arg("--config")
        .arg(file)
        .arg("--policy")
        .arg(guest("policy_admits_as"))
        .arg("--request-timeout=10m")
        .start();
    let post = |tenant: &str| {
        let request = server.request(Method::POST, "/grayscale");
        let request = request.header("x-tensorwasm-tenant", tenant);
        server.send(request.body(picture.as_ref().unwrap().clone()))
    };
    let (granted, denied) = (post("1"), post("8"));
    let device = granted.header("x-tensor-wasm-device").unwrap();
    assert!(server.start().device.starts_with(device), "{device}");
    assert_eq!(denied.header("x-tensor-wasm-device"), Some("fallback"));
    assert_eq!(granted.body, denied.body);
}

#[test]
fn deny_gpu_in_a_composite_answers_like_a_host_that_denies() {
    let server = Serve::new(guest("tenant_device"))
        .arg("--plug")
        .arg(component("deny-gpu"))
        .start();
    assert_eq!(server.get("/").json()["error"], "denied");
    let asked = &server.start().granted;
    assert!(
        !asked.iter().any(|name| name.starts_with("tensor:gpu")),
        "{asked:?}"
    );
}
