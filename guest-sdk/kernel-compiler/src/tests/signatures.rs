//! `kernels!`: what is read of a PTX text, and what is refused.

use tensor_wasm_ptx::{Limits, ParamType as HostType, parse};

use crate::foreign::expand;
use crate::signatures::{ParamType, entries};

#[test]
fn the_kernels_of_the_corpus_have_the_parameters_that_the_host_reads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../host/ptx/corpus");
    let mut texts = 0;
    for kernel in std::fs::read_dir(folder).unwrap() {
        let Ok(files) = std::fs::read_dir(kernel.unwrap().path()) else {
            continue;
        };
        for file in files.map(|file| file.unwrap().path()) {
            if file.extension().is_none_or(|extension| extension != "ptx") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let module = parse(text.as_bytes(), &Limits::default()).unwrap();
            let found = entries(&text).unwrap_or_else(|mistake| panic!("{file:?}: {mistake:?}"));
            let host = module.entries();
            assert_eq!(found.len(), host.len(), "{file:?}");
            for (found, host) in found.iter().zip(host) {
                assert_eq!(found.name, host.name());
                let types: Vec<String> = host
                    .params()
                    .iter()
                    .map(|param| of_host(param.ty))
                    .collect();
                let ours: Vec<String> =
                    found.params.iter().map(|param| of_ours(param.ty)).collect();
                assert_eq!(ours, types, "{file:?}");
            }
            texts += 1;
        }
    }
    assert!(texts > 60, "{texts}");
}

fn of_host(ty: HostType) -> String {
    match ty {
        HostType::U8 | HostType::S8 => "8".into(),
        HostType::U16 | HostType::S16 => "16".into(),
        HostType::U32 | HostType::S32 => "32".into(),
        HostType::U64 | HostType::S64 => "64".into(),
        HostType::F16 => "f16".into(),
        HostType::BF16 => "bf16".into(),
        HostType::F32 => "f32".into(),
        HostType::F64 => "f64".into(),
        HostType::Bytes { bytes, .. } => format!("{bytes} bytes"),
    }
}

fn of_ours(ty: ParamType) -> String {
    match ty {
        ParamType::Integer(bits) | ParamType::Bits(bits) => bits.to_string(),
        ParamType::F16 => "f16".into(),
        ParamType::Bf16 => "bf16".into(),
        ParamType::F32 => "f32".into(),
        ParamType::F64 => "f64".into(),
        ParamType::Bytes(bytes) => format!("{bytes} bytes"),
    }
}

#[test]
fn mistakes_in_a_text_are_named_with_line_and_column() {
    for (text, message) in [
        ("hello", "f.ptx:1:1: this is no PTX"),
        (".version 7.0\n.target sm_70\n", "the module has no kernel"),
        (
            ".version 7.0\n.entry k(.param .u32 a",
            "f.ptx:2:23: `,` is expected",
        ),
        (
            ".version 7.0\n.entry k(.param .v4 a) {}",
            "f.ptx:2:17: a launch cannot pass a parameter of type `.v4`",
        ),
        (
            ".version 7.0\n.entry k(.param a) {}",
            "the parameter `a` has no type",
        ),
        (
            ".version 7.0\n.entry k() {\n",
            "f.ptx:2:12: `{` is not closed",
        ),
        (".version 7.0\n.entry k() {} }", "`}` closes nothing"),
        (
            ".version 7.0\n.entry k() {}\n  .entry k() {}",
            "f.ptx:3:10: there are two kernels with the name `k`",
        ),
        (".version 7.0\n.entry k$1() {}", "`k$1` is no name of Rust"),
        (
            ".version 7.0\n/* no end",
            "f.ptx:2:1: the comment does not end",
        ),
    ] {
        let path = syn::LitStr::new("f.ptx", proc_macro2::Span::call_site());
        let found = expand(&path, |_| Ok(text.to_owned()))
            .unwrap_err()
            .to_string();
        assert!(found.contains(message), "{text}: {found}");
    }
    let path = syn::LitStr::new("f.ptx", proc_macro2::Span::call_site());
    let missing = expand(&path, |_| Err("f.ptx: no such file".into())).unwrap_err();
    assert_eq!(missing.to_string(), "f.ptx: no such file");
}
