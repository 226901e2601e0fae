//! Tests of the module `testing`: kernels that run in a component's own tests.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use tensor_wasm_guest::testing::{Device, Failure, Mistake, Name};
use tensor_wasm_guest::{LaunchConfig, Struct};

const SAXPY: &str = include_str!("../../components/saxpy/kernels/saxpy.ptx");

/// `k` stores the first number of its structure and the value of a variable, which it increments.
const KERNELS: &str = ".version 7.0
.target sm_70
.address_size 64
.global .align 4 .u32 counter = 5;
.visible .entry k(.param .u64 out, .param .align 4 .b8 both[8])
{
    .reg .b32 %r<4>;
    .reg .b64 %d<2>;
    ld.param.u64 %d1, [out];
    ld.param.u32 %r1, [both];
    st.global.u32 [%d1], %r1;
    atom.global.add.u32 %r2, [counter], 1;
    st.global.u32 [%d1+4], %r2;
    ret;
}
.visible .entry endless() { again: bra again; }
";

#[test]
fn a_correct_kernel_runs_without_a_finding() {
    let mut device = Device::load(SAXPY).unwrap();
    let x = device.upload(&[1f32; 1000]).unwrap();
    let y = device.upload(&[2f32; 1000]).unwrap();
    let config = LaunchConfig::for_len(1000);
    let launch = device.launch("saxpy", config);
    launch.arg(&y).arg(&x).arg(3f32).arg(1000u32).run().unwrap();
    assert_eq!(device.read(&y), [5f32; 1000]);
}

#[test]
fn an_access_outside_of_a_buffer_is_found_with_the_name_of_the_parameter() {
    let mut device = Device::load(SAXPY).unwrap();
    let x = device.upload(&[1f32; 100]).unwrap();
    let y = device.upload(&[2f32; 1000]).unwrap();
    let launch = device.launch("saxpy", LaunchConfig::for_len(1000));
    let failure = launch.arg(&y).arg(&x).arg(3f32).arg(1000u32).run();
    let failure = failure.unwrap_err();
    let finding = failure.finding().unwrap();
    assert_eq!(finding.thread.x, 100);
    let Mistake::Outside { origin, .. } = &finding.mistake else {
        panic!("{finding}")
    };
    let name = origin.clone().unwrap().name;
    assert!(matches!(name, Some(Name::Parameter(_))), "{finding}");
    // Stores before the finding are visible.
    assert_eq!(device.read(&y)[..99], [5f32; 99]);
}

#[test]
fn a_read_of_uninitialised_memory_is_found_and_a_read_of_zeros_is_not() {
    let mut device = Device::load(SAXPY).unwrap();
    let y = device.upload(&[0f32; 4]).unwrap();
    let x = device.allocate::<f32>(4).unwrap();
    let run = |device: &mut Device| {
        let launch = device.launch("saxpy", LaunchConfig::for_len(4));
        launch.arg(&y).arg(&x).arg(3f32).arg(4u32).run()
    };
    let failure = run(&mut device).unwrap_err();
    let mistake = &failure.finding().unwrap().mistake;
    assert!(matches!(mistake, Mistake::Uninitialised { .. }));
    device.write(&x, &[0f32; 4]);
    run(&mut device).unwrap();
}

#[test]
fn structures_are_passed_and_variables_keep_their_value_between_launches() {
    let mut device = Device::load(KERNELS).unwrap();
    let out = device.allocate::<u32>(2).unwrap();
    for count in 5..8 {
        let launch = device.launch("k", LaunchConfig::new(1, 1));
        launch.arg(&out).arg(Struct(&[7u32, 8])).run().unwrap();
        assert_eq!(device.read(&out), [7, count]);
    }
}

#[test]
fn launches_that_do_not_match_the_kernel_are_refused_with_what_would_match() {
    let mut device = Device::load(KERNELS).unwrap();
    let out = device.allocate::<u32>(2).unwrap();
    let config = LaunchConfig::new(1, 1);
    for (failure, texts) in [
        (
            device.launch("k", config).run(),
            ["takes 2 arguments", "0 are given"],
        ),
        (
            device
                .launch("k", config)
                .arg(1u32)
                .arg(Struct(&[7u32, 8]))
                .run(),
            ["argument 1", "`out`"],
        ),
        (
            device
                .launch("k", config)
                .arg(&out)
                .arg(Struct(&[7u32]))
                .run(),
            ["argument 2", "`both`"],
        ),
        (
            device.launch("nobody", config).run(),
            ["no kernel `nobody`", "it has `k`"],
        ),
        (
            device.launch("endless", LaunchConfig::new(1, 2048)).run(),
            ["2048", "1024"],
        ),
    ] {
        let Err(Failure::Launch(message)) = failure else {
            panic!("{failure:?}")
        };
        assert!(texts.iter().all(|text| message.contains(text)), "{message}");
    }
    let failure = Device::load(".version 7.0\nnonsense").unwrap_err();
    // What a test prints that unwraps it.
    assert_eq!(format!("{failure:?}"), failure.to_string());
    assert!(matches!(&failure, Failure::Module(found) if found[0].line == 2));
}
