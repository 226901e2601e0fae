//! Loading an application: what its component is, what it imports and is granted, and
//! linking.

use super::Application;
use super::config::ApplicationConfig;
use super::journals::{Journals, Subject};
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
use crate::instance::factory::InstanceFactory;
use crate::instance::idle::IdleInstances;
use crate::instance::linker::linker;
use crate::instance::state::InstanceState;
use crate::instance::worker::{Reuse, Workers};
use std::sync::Arc;
use std::time::Instant;
use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

impl Application {
    /// Compiles, checks and links a component.
    ///
    /// Takes as long as compiling takes, unless the engine's cache has the component.
    ///
    /// # Errors
    ///
    /// [`Error`] says what the component lacks, or asks for and is not given.
    pub fn load(
        engine: &Engine,
        bytes: &[u8],
        mut config: ApplicationConfig,
    ) -> Result<Application, Error> {
        check_kind(bytes)?;
        let digest = format!("blake3:{}", blake3::hash(bytes).to_hex());
        let wasmtime = engine.wasmtime();
        let began = Instant::now();
        let component = Component::from_binary(wasmtime, bytes).map_err(Error::Compile)?;
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
            engine,
        };
        let journals = Journals::of(std::mem::take(&mut config.journal), &subject, &config)?;
        let behind = config.next.as_ref().map(|next| next.imports());
        let behind = behind.unwrap_or_default();
        let next = config.next.take();
        let is_policy = next.is_some();
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
        let exports: Vec<String> = ty
            .exports(wasmtime)
            .map(|(name, _)| name.to_owned())
            .collect();
        let forwards = ForwardedBy {
            wasi_0_2: imports_any("wasi:http/incoming-handler@0.2."),
            wasi_0_3: imports_any("wasi:http/handler@0.3."),
        };
        let pre = linker(wasmtime, journals.are_made())
            .and_then(|linker| linker.instantiate_pre(&component))
            .map_err(Error::Link)?;
        let workers = Workers {
            pre: match is_policy {
                true => policy_of(pre, exports, forwards)?,
                false => handler_of(pre, exports)?,
            },
            reuse: match is_policy {
                true => Reuse::of_policy(config.reuse),
                false => Reuse::of_application(config.reuse),
            },
            start_timeout: config.request_timeout,
            instances: InstanceFactory::new(engine.clone(), capabilities, config.tenant_memory),
            observer: config.observer.clone(),
            scheduler: config.scheduler.filter(|_| !is_policy),
            idle: IdleInstances::of_engine(engine),
            occupancy: Arc::default(),
            polls: Arc::default(),
        };
        journals.keep_component(&subject);
        Ok(Application {
            workers: Arc::new(workers),
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
        })
    }
}

/// Tells a component from the other files that people try to serve.
fn check_kind(bytes: &[u8]) -> Result<(), Error> {
    Err(Error::NotAComponent(match FileKind::of(bytes) {
        FileKind::Component => return Ok(()),
        FileKind::CoreModule => "it is a core module".to_owned(),
        FileKind::Other(what) => what,
    }))
}

/// By which versions of WASI a policy forwards requests.
#[derive(Clone, Copy)]
struct ForwardedBy {
    wasi_0_2: bool,
    wasi_0_3: bool,
}

/// The handler that the component exports; WASI 0.3's where it has both.
fn handler_of(
    pre: InstancePre<InstanceState>,
    exports: Vec<String>,
) -> Result<ProxyPre<InstanceState>, Error> {
    if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(service));
    }
    p2::bindings::ProxyPre::new(pre)
        .map(ProxyPre::P2)
        .map_err(|_| Error::NoHandler(exports))
}

/// The handler of a policy, of the version of WASI by which it forwards requests: a request of the
/// other version can't be forwarded.
fn policy_of(
    pre: InstancePre<InstanceState>,
    exports: Vec<String>,
    forwards: ForwardedBy,
) -> Result<ProxyPre<InstanceState>, Error> {
    if forwards.wasi_0_3
        && let Ok(service) = p3::bindings::ServicePre::new(pre.clone())
    {
        return Ok(ProxyPre::P3(service));
    }
    if forwards.wasi_0_2
        && let Ok(proxy) = p2::bindings::ProxyPre::new(pre.clone())
    {
        return Ok(ProxyPre::P2(proxy));
    }
    // What exports no handler at all is told that.
    handler_of(pre, exports)?;
    Err(Error::PolicyWithoutNext)
}
