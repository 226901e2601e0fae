//! The projects that `tensor-wasm new` creates: each Rust template, built by plain cargo as its
//! manifest says, and served. Bindings that the program writes for a file of kernels are launched too.
//!
//! The projects have one build folder in common, the lock file of this workspace and no network, so
//! that what they depend on is compiled once. Those of other languages are built by `cargo xtask
//! languages`, since that takes a network.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tensor_wasm_tests::{Serve, Server, guest, tensor_wasm};
use wit_parser::Resolve;

fn checkout() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A project of a template, built and served.
struct Served {
    server: Server,
    _folder: TempDir,
}

fn served(template: &str) -> Served {
    served_for("0.2", template)
}

fn served_for(wasi: &str, template: &str) -> Served {
    let folder = tempfile::tempdir().unwrap();
    let name = format!("a-{template}-service-wasi{}", wasi.replace('.', ""));
    let created = tensor_wasm()
        .args(["new", &name, "--template", template, "--wasi", wasi])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(created.status.success(), "{created:?}");
    let project = folder.path().join(&name);
    let builds = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    fs::create_dir_all(&builds).unwrap();
    symlink(builds, project.join("target")).unwrap();
    fs::copy(checkout().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();

    let component = folder.path().join("component.wasm");
    let built = tensor_wasm()
        .arg("build")
        .arg(&project)
        .arg("--out")
        .arg(&component)
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    Served {
        server: Serve::new(component).start(),
        _folder: folder,
    }
}

#[test]
fn the_template_empty_is_built_by_cargo_and_doubles_numbers_for_each_version_of_wasi() {
    for wasi in ["0.2", "0.3"] {
        let Served { server, .. } = &served_for(wasi, "empty");
        assert_eq!(
            server.get("/?numbers=1,2.5,-3").text(),
            "[2.0, 5.0, -6.0]\n"
        );
        assert_eq!(server.get("/?numbers=one").status, 400);
    }
}

#[test]
fn the_template_saxpy_is_built_by_cargo_and_computes() {
    let Served { server, .. } = &served("saxpy");
    let reply = server.post("/", r#"{"a": 2, "x": [1, 2], "y": [3, 4]}"#);
    assert_eq!(reply.json(), json!({"result": [5.0, 8.0]}));
    assert_eq!(server.post("/", "{").status, 400);
}

#[test]
fn the_template_image_is_built_by_cargo_and_filters() {
    let Served { server, .. } = &served("image");
    let picture = fs::read(checkout().join("docs/images/before.png")).unwrap();
    let edges = server.post("/sobel", picture.clone());
    assert_eq!(edges.status, 200, "{}", edges.text());
    let size = |bytes: &[u8]| {
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes.to_vec()));
        let reader = decoder.read_info().unwrap();
        (reader.info().width, reader.info().height)
    };
    assert_eq!(size(&edges.body), size(&picture));
    assert_eq!(server.post("/sobel", "no picture").status, 415);
}

#[test]
fn the_template_stream_is_built_by_cargo_and_computes_on_bodies_of_any_length() {
    for wasi in ["0.2", "0.3"] {
        let Served { server, .. } = &served_for(wasi, "stream");
        for count in [0u32, 1, 1000, 300_000] {
            let bytes = |factor: f32| -> Vec<u8> {
                let samples = (0..count).map(|i| factor * (i as f32 - 100.5));
                samples.flat_map(f32::to_le_bytes).collect()
            };
            let reply = server.post("/?gain=2", bytes(1.0));
            assert_eq!(reply.status, 200, "{}", reply.text());
            assert!(reply.body == bytes(2.0), "{count} samples");
        }
        assert_eq!(server.post("/?gain=loud", "").status, 400);
        assert_eq!(server.get("/").status, 405);
        // A body that ends within a sample has no whole answer.
        let cut_off = server.try_send(server.request(Method::POST, "/").body("12345"));
        assert!(cut_off.is_err(), "{wasi}: {cut_off:?}");
    }
}

#[test]
fn the_template_embeddings_is_built_by_cargo_and_finds_texts_by_vectors_that_stay() {
    let Served { server, .. } = &served("embeddings");
    for words in [
        "what is the weather tomorrow",
        "weather",
        "Weather of tomorrow?",
    ] {
        let found = server.post("/", words).text();
        let lines: Vec<_> = found.lines().collect();
        assert_eq!(lines.len(), 3, "{found}");
        assert!(lines[0].contains("weather tomorrow"), "{found}");
    }
    assert_eq!(server.get("/").status, 405);
}

/// Tools read all files of a folder as one package.
#[test]
fn a_project_in_javascript_for_wasi_0_3_has_a_world_within_its_contract() {
    let folder = tempfile::tempdir().unwrap();
    let created = tensor_wasm()
        .args(["new", "a-service", "--lang", "javascript", "--wasi", "0.3"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(created.status.success(), "{created:?}");
    let mut resolve = Resolve::default();
    let wit = folder.path().join("a-service/wit");
    let (package, _) = resolve.push_dir(wit).unwrap();
    let imports = |world: &str| -> Vec<String> {
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        let imports = resolve.worlds[world].imports.keys();
        imports.map(|key| resolve.name_world_key(key)).collect()
    };
    let (own, all) = (imports("service"), imports("gpu-service-p3"));
    assert!(
        own.contains(&"tensor:gpu/kernels@0.1.0".to_owned()),
        "{own:?}"
    );
    assert!(
        own.iter().all(|import| all.contains(import)),
        "{own:?} {all:?}"
    );
}

#[test]
fn bindings_that_the_program_wrote_launch_kernels_with_every_type_of_parameter() {
    let server = Serve::new(guest("kernel_bindings")).start();
    let expected = "[0.0, 1.5, 3.5, 5.5, 0.0]\n\
                    [0, 0, 0, 0, 0, 0, 240, 63, 254, 255, 255, 255, 255, 255, 255, 255, 200, 0, 0, 0, \
                    0, 60, 128, 63]\n";
    assert_eq!(server.get("/").text(), expected);
}
