//! What a host refuses to be assembled from. What it serves is tested with the real binary.

use std::error::Error;

use tensor_wasm_device::NvidiaDevice;
use tensor_wasm_node::host::{
    ComponentSource, DeviceChoice, DeviceOptions, Host, HostBuilder, HostError,
};
use tensor_wasm_runtime::Grant;

fn source(label: &str, bytes: &[u8]) -> ComponentSource {
    ComponentSource {
        label: label.to_owned(),
        bytes: bytes.to_vec(),
    }
}

fn refused(builder: HostBuilder) -> HostError {
    match builder.build() {
        Ok(_) => panic!("a host was assembled"),
        Err(error) => error,
    }
}

#[test]
fn a_component_that_can_not_be_loaded_is_named_with_the_cause() {
    let error = refused(Host::builder(source("hello.txt", b"hello")).device(Grant::Denied));
    assert_eq!(error.to_string(), "can't serve hello.txt");
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains("not a WebAssembly component"), "{cause}");
}

#[test]
fn a_provider_that_does_not_fit_is_named_with_the_component() {
    let component = source("hello.txt", b"hello");
    let builder = Host::builder(component).plug(source("provider.txt", b"no component"));
    let error = refused(builder.device(Grant::Denied)).to_string();
    assert_eq!(error, "can't plug provider.txt into hello.txt");
}

#[test]
fn kernel_checks_are_refused_on_an_nvidia_device() {
    let options = DeviceOptions {
        kernel_checks: true,
        ..DeviceOptions::default()
    };
    let error = refused(
        Host::builder(source("hello.txt", b"hello"))
            .device(Grant::Granted(DeviceChoice::Cuda(3.into())))
            .device_options(options),
    );
    assert!(matches!(
        error,
        HostError::ChecksOnNvidia {
            device: NvidiaDevice::Number(3)
        }
    ));
    assert!(error.to_string().contains("--gpu cuda:3"), "{error}");
}
