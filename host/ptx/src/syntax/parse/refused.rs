//! Instructions that PTX has and this device does not have yet, by what they belong to: a refusal
//! that says so helps more than one that could also mean a misspelt word.

/// What an instruction that is not in the table belongs to; `None` where PTX does not have it, or
/// only in forms that are in the table.
pub(crate) fn family(mnemonic: &str, written: &str) -> Option<&'static str> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| written.starts_with(prefix));
    Some(match mnemonic {
        "cp" if written.contains("tensor") => "tensor maps are not",
        "tcgen05" => "tensor memory is not",
        "wmma" | "mma" | "ldmatrix" | "stmatrix" | "movmatrix" | "wgmma" => {
            "matrix instructions are not"
        }
        "cp" | "mbarrier" => "asynchronous copies of this form are not",
        "st" | "red" if starts(&["st.async", "st.bulk", "red.async"]) => {
            "asynchronous copies and their barriers are not"
        }
        "tensormap" => "tensor maps are not",
        "prefetch" | "fence" if written.contains("tensormap") => "tensor maps are not",
        "tex" | "tld4" | "txq" | "suld" | "sust" | "sured" | "suq" | "istypep" => {
            "textures and surfaces are not"
        }
        "mapa" | "getctarank" | "multimem" | "clusterlaunchcontrol" => "clusters of blocks are not",
        "barrier" if starts(&["barrier.cluster"]) => "clusters of blocks are not",
        _ if written.contains("shared::cluster") => "clusters of blocks are not",
        "alloca" | "stacksave" | "stackrestore" => "variables whose size a kernel computes are not",
        _ if written.contains("b128") => "values of 128 bits are not",
        _ => return None,
    })
}
