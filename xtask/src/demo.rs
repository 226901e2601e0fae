//! `cargo xtask demo`: everything once, with nothing but this checkout: build, compose policy
//! and service, serve, send a picture, and check the responses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    components::Which,
    http::{Connection, Response, request},
    picture, product,
    server::{Server, ServerKind},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// The token that the demo's policy accepts. It guards a server that lives for
/// a few seconds and listens on this machine only.
const TOKEN: &str = "a-token-for-the-demo-only";

/// The filters of the image component, each at the path of its name.
const FILTERS: [&str; 3] = ["gaussian", "sobel", "grayscale"];

/// How long the server may take to end after SIGTERM; its own limit is 10 s.
const STOP: Duration = Duration::from_secs(30);

/// Filter a picture on the device, behind a policy, over HTTP.
///
/// Builds the binary and the components, composes the policy in front of the
/// image service, serves the result on a free port, posts a picture with and
/// without a token, and stops the server. Pictures lie in `target/demo`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Send this PNG instead of the picture that the demo draws.
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, and where the server answers otherwise than
/// it must.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let folder = workspace.target().join("demo");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut steps = Steps::new(product::STEPS + 3);

    let binary = product::build(workspace, &mut steps, Which::Examples, Profile::Dev)?;

    let step = steps.begin("composing policy and image service");
    let composite = folder.join("image-behind-policy.wasm");
    compose(workspace, &step, &binary, &composite)?;
    step.done(workspace.relative(&composite));

    let step = steps.begin("starting the server");
    let tokens = folder.join("tokens");
    write_secret(&tokens, &format!("# Of the demo only.\ndemo:{TOKEN}\n"))?;
    let server = Server::start(
        Command::new(&binary)
            .current_dir(workspace.root())
            .arg("serve")
            .arg(&composite)
            .args(["--addr", "127.0.0.1:0", "--token-file"])
            .arg(&tokens),
        ServerKind::TensorWasm,
    )?;
    step.done(format_args!("http://{}", server.address()));
    for line in server.output().lines() {
        println!("    {line}");
    }

    let step = steps.begin("sending a picture");
    let before = folder.join("before.png");
    let png = match &arguments.picture {
        Some(path) => fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => picture::landscape()?,
    };
    fs::write(&before, &png)?;
    let outcome = exchange(workspace, &server, &folder, &png);
    let outcome = outcome.with_context(|| format!("the server said:\n{}", server.recent_output()));
    step.done(match &outcome {
        Ok(_) => "all answers as they should be",
        Err(_) => "not as it should be",
    });
    let lines = outcome?;
    println!("    sent {}", workspace.relative(&before));
    for line in lines {
        println!("    {line}");
    }

    let status = server.stop(STOP)?;
    ensure!(
        status.success(),
        "the server ended with {status} after SIGTERM"
    );
    println!("    the server ended with {status} after SIGTERM");
    println!(
        "the demo passed in {}: look at {} and {}",
        steps.elapsed(),
        workspace.relative(&before),
        workspace.relative(&folder.join("sobel.png")),
    );
    Ok(())
}

fn compose(workspace: &Workspace, step: &Step, binary: &Path, to: &Path) -> Result<()> {
    let components = workspace.components_folder();
    step.run(
        Command::new(binary)
            .arg("compose")
            .arg(components.join("policy.wasm"))
            .arg(components.join("image.wasm"))
            .arg("-o")
            .arg(to),
    )?;
    Ok(())
}

/// The demo's requests; returns a line for the reader about each.
fn exchange(
    workspace: &Workspace,
    server: &Server,
    folder: &Path,
    png: &[u8],
) -> Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let mut post = |path: &str, token: Option<&str>| -> Result<(Response, Duration)> {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "image/png")];
        if let Some(value) = &authorization {
            headers.push(("Authorization", value));
        }
        let request = request("POST", path, server.address(), &headers, png);
        let started = Instant::now();
        let response = runtime.block_on(connection.exchange(&request))?;
        Ok((response, started.elapsed()))
    };

    let mut lines = Vec::new();
    for (token, meaning) in [
        (None, "without a token"),
        (Some("wrong"), "with a wrong token"),
    ] {
        let (response, _) = post("/sobel", token)?;
        ensure!(
            response.status == 401,
            "POST /sobel {meaning} must be answered 401, not {}",
            answer(&response)
        );
        lines.push(format!("POST /sobel {meaning}: {}", answer(&response)));
    }
    for filter in FILTERS {
        let path = format!("/{filter}");
        let (response, first) = post(&path, Some(TOKEN))?;
        if response.status != 200 {
            bail!(
                "POST {path} must be answered 200, not {}",
                answer(&response)
            );
        }
        ensure_same_size(png, &response.body).with_context(|| format!("POST {path}"))?;
        let device = response.header("x-tensor-wasm-device").unwrap_or_default();
        ensure!(
            !device.is_empty() && device != "fallback",
            "POST {path} must be filtered on the device, not by the component's own code"
        );
        let (_, second) = post(&path, Some(TOKEN))?;
        let file = folder.join(format!("{filter}.png"));
        fs::write(&file, &response.body)?;
        lines.push(format!(
            "POST {path} with the token: 200 in {:.0} ms, again in {:.0} ms, on {device}: {}",
            millis(first),
            millis(second),
            workspace.relative(&file),
        ));
    }
    Ok(lines)
}

/// Status and, of an error, what the body says.
fn answer(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    format!("{} {}", response.status, body.trim())
}

fn ensure_same_size(sent: &[u8], received: &[u8]) -> Result<()> {
    let (sent, received) = (size(sent)?, size(received)?);
    ensure!(
        sent == received,
        "sent a picture of {sent:?} pixels, and one of {received:?} came back"
    );
    Ok(())
}

fn size(file: &[u8]) -> Result<(u32, u32)> {
    let reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .context("not a PNG")?;
    Ok(reader.info().size())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Writes a file that only its owner may read.
pub fn write_secret(path: &Path, text: &str) -> Result<()> {
    use std::{io::Write as _, os::unix::fs::OpenOptionsExt as _};
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
