//! Loading an application: what its component is, what it imports and is granted.

use super::Application;
use super::config::ApplicationConfig;
use super::journals::{Journals, Subject};
use super::link::{self, ForwardedBy, Handler};
use super::prepared::{Parts, Prepared, Stage};
use crate::capability::config::Config;
use crate::capability::environment::Environment;
use crate::capability::filesystem::Filesystem;
use crate::capability::gpu::Gpu;
use crate::capability::http::{Http, HttpLimits};
use crate::capability::next::{ChainImports, Next};
use crate::capability::policy::Policy;
use crate::capability::registry::Capabilities;
use crate::engine::Engine;
use crate::error::Error;
use crate::file_kind::FileKind;
use crate::init_error::InitError;
use crate::init_export;
use crate::instance::factory::InstanceFactory;
use crate::instance::initialize::image;
use crate::instance::initialize::run::Uninitialized;
use crate::instance::worker::Reuse;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::component::Component;

impl Application {
    /// Compiles, checks and links a component, and initializes it, where it has an `init`.
    ///
    /// Takes as long as compiling takes, unless the engine's cache has the component, and as long as its
    /// `init` takes. Blocks for all of that: [`Application::prepare`] does it in steps.
    ///
    /// # Errors
    ///
    /// [`Error`] says what the component lacks, or asks for and is not given, or what became of its
    /// `init`.
    pub fn load(
        engine: &Engine,
        bytes: &[u8],
        config: ApplicationConfig,
    ) -> Result<Application, Error> {
        Application::prepare(engine, bytes, config)?.complete_blocking()
    }

    /// Compiles, checks and links a component, and does not initialize it yet.
    ///
    /// Takes as long as compiling takes, unless the engine's cache has the component.
    ///
    /// # Errors
    ///
    /// [`Error`] says what the component lacks, or asks for and is not given.
    pub fn prepare(
        engine: &Engine,
        bytes: &[u8],
        mut config: ApplicationConfig,
    ) -> Result<Prepared, Error> {
        check_kind(bytes)?;
        let digest = format!("blake3:{}", blake3::hash(bytes).to_hex());
        let wasmtime = engine.wasmtime();
        let began = Instant::now();
        let init = init_export::init_export(bytes);
        let component = match &init {
            Some(_) => instrumented(wasmtime, bytes)?,
            None => Component::from_binary(wasmtime, bytes).map_err(Error::Compile)?,
        };
        if let Some(observer) = &config.observer {
            observer.compiled(began.elapsed());
        }
        let ty = component.component_type();
        let imports: Vec<&str> = ty.imports(wasmtime).map(|(name, _)| name).collect();
        let imports_any = |prefix: &str| imports.iter().any(|name| name.starts_with(prefix));
        let decides = imports_any("tensor:policy/decision@");
        let imports_gpu = imports_any("tensor:gpu/");
        let subject = Subject {
            digest: &digest,
            bytes,
            imports: &imports,
            has_init: init.is_some(),
            engine,
        };
        let journals = Journals::of(std::mem::take(&mut config.journal), &subject, &config)?;
        let behind = config.next.as_ref().map(|next| next.imports());
        let behind = behind.unwrap_or_default();
        let next = config.next.take();
        let is_policy = next.is_some();
        if is_policy && init.is_some() {
            return Err(InitError::Policy.into());
        }
        let gpu = config.gpu.clone();
        let auditor = config.policy.auditor.clone();
        let capabilities = Capabilities {
            // Without a policy each request is for tenant 0.
            gpu: Gpu::new(config.gpu, imports_gpu, decides || config.guarded),
            config: Config::new(&mut config.policy),
            // Nothing is behind it, so that what it admits requests to is within it.
            policy: Policy::new(&config.policy, !is_policy),
            next: Next::new(next, decides, config.policy.keep_authorization),
            output: config.output,
            environment: Environment::new(config.environment),
            filesystem: Filesystem::open(config.directories, engine.instances())?,
            http: Http::new(
                config.http,
                HttpLimits::of_memory(engine.instance_memory_bytes()),
            ),
        };
        let report = capabilities.report(imports.iter().copied())?;
        let exports = ty.exports(wasmtime).map(|(name, _)| name.to_owned());
        let handler = Handler {
            exports: exports.filter(|name| name != init_export::ACCESS).collect(),
            forwards: is_policy.then(|| ForwardedBy {
                wasi_0_2: imports_any("wasi:http/incoming-handler@0.2."),
                wasi_0_3: imports_any("wasi:http/handler@0.3."),
            }),
        };
        let has_journals = journals.are_made();
        let pre = link::link(wasmtime, &component, has_journals)?;
        let tenants = config.tenant_memory;
        let instances = Arc::new(InstanceFactory::new(engine.clone(), capabilities, tenants));
        let scheduler = config.scheduler.filter(|_| !is_policy);
        let ready = handler.of(pre.clone())?;
        let stage = match init {
            None => Stage::Ready(ready),
            Some(export) => Stage::Uninitialized {
                uninitialized: Arc::new(Uninitialized {
                    pre,
                    export,
                    instances: instances.clone(),
                    scheduler: scheduler.clone(),
                }),
                component: bytes.to_vec(),
            },
        };
        // One with an `init` is not recorded.
        journals.keep_component(&subject);
        Ok(Prepared {
            stage,
            handler,
            has_journals,
            init: config.init,
            parts: Parts {
                instances,
                reuse: match is_policy {
                    true => Reuse::of_policy(config.reuse),
                    false => Reuse::of_application(config.reuse),
                },
                scheduler,
                digest,
                imports: report,
                request_timeout: config.request_timeout,
                auditor,
                gpu,
                observer: config.observer,
                usage_header: config.usage_header,
                decides,
                journals,
                chain: ChainImports {
                    gpu: imports_gpu || behind.gpu,
                    decision: decides || behind.decision,
                    deciding_policy: (decides && is_policy) || behind.deciding_policy,
                },
            },
        })
    }
}

/// The component with exports that tell its state. Of one that can't be compiled as it is, that is told.
fn instrumented(engine: &wasmtime::Engine, bytes: &[u8]) -> Result<Component, Error> {
    let failed = match image::instrumented(bytes) {
        Ok(instrumented) => match Component::from_binary(engine, &instrumented) {
            Ok(component) => return Ok(component),
            Err(error) => InitError::NotForkable {
                cause: format!("{error:#}"),
            },
        },
        Err(error) => error,
    };
    Component::from_binary(engine, bytes).map_err(Error::Compile)?;
    Err(failed.into())
}

/// Tells a component from the other files that people try to serve.
fn check_kind(bytes: &[u8]) -> Result<(), Error> {
    Err(Error::NotAComponent(match FileKind::of(bytes) {
        FileKind::Component => return Ok(()),
        FileKind::CoreModule => "it is a core module".to_owned(),
        FileKind::Other(what) => what,
    }))
}
