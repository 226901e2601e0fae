//! The files of this program's own templates: which make a project of a language, a template and a
//! version of WASI.

use super::choice::{Language, Template, Wasi};
use super::word;

/// A file of a template: its path in a project, and its text.
pub type File = (&'static str, &'static str);

/// The files at these paths of a folder of templates, which may have `.template` behind their
/// names: cargo packages no manifests of others, and git heeds each `.gitignore`.
macro_rules! files {
    ($folder:literal: $($path:literal <- $file:literal),* $(,)?) => {
        &[$((
            $path,
            include_str!(concat!("../../../templates/", $folder, "/", $file)),
        )),*]
    };
}

const RUST: &[File] = files!("rust":
    "Cargo.toml" <- "Cargo.toml.template",
    "tensor-wasm.toml" <- "tensor-wasm.toml.template",
    "README.md" <- "README.md.template",
    ".gitignore" <- "gitignore.template",
);

const RUST_EMPTY: &[File] = files!("rust/empty":
    "src/lib.rs" <- "src/lib.rs.template",
);

const RUST_EMPTY_P3: &[File] = files!("rust/empty-0.3":
    "src/lib.rs" <- "src/lib.rs.template",
);

const RUST_SAXPY: &[File] = files!("rust/saxpy":
    "src/lib.rs" <- "src/lib.rs.template",
    "kernels/saxpy.cu" <- "kernels/saxpy.cu",
    "kernels/saxpy.ptx" <- "kernels/saxpy.ptx",
);

const RUST_IMAGE: &[File] = files!("rust/image":
    "src/device.rs" <- "src/device.rs.template",
    "src/filter.rs" <- "src/filter.rs.template",
    "src/lib.rs" <- "src/lib.rs.template",
    "src/parity.rs" <- "src/parity.rs.template",
    "src/picture.rs" <- "src/picture.rs.template",
    "src/scalar.rs" <- "src/scalar.rs.template",
    "kernels/filters.cu" <- "kernels/filters.cu",
    "kernels/filters.ptx" <- "kernels/filters.ptx",
);

const RUST_STREAM: &[File] = files!("rust/stream":
    "src/lib.rs" <- "src/lib.rs.template",
);

const RUST_STREAM_P3: &[File] = files!("rust/stream-0.3":
    "src/lib.rs" <- "src/lib.rs.template",
);

const RUST_EMBEDDINGS: &[File] = files!("rust/embeddings":
    "src/lib.rs" <- "src/lib.rs.template",
    "src/texts.txt" <- "src/texts.txt",
);

const PYTHON: &[File] = files!("python":
    "double.py" <- "double.py.template",
    "test_kernel.py" <- "test_kernel.py.template",
    "requirements.txt" <- "requirements.txt.template",
    "tensor-wasm.toml" <- "tensor-wasm.toml.template",
    "README.md" <- "README.md.template",
    ".gitignore" <- "gitignore.template",
);

const PYTHON_P2: &[File] = files!("python/0.2":
    "app.py" <- "app.py.template",
);

const PYTHON_P3: &[File] = files!("python/0.3":
    "app.py" <- "app.py.template",
);

const JAVASCRIPT_P2: &[File] = files!("javascript/0.2":
    "app.js" <- "app.js.template",
);

const JAVASCRIPT_P3: &[File] = files!("javascript/0.3":
    "app.js" <- "app.js.template",
    "wit/service.wit" <- "service.wit.template",
);

const JAVASCRIPT: &[File] = files!("javascript":
    "double.js" <- "double.js.template",
    "bundle.config.js" <- "bundle.config.js.template",
    "kernel.test.js" <- "kernel.test.js.template",
    "package.json" <- "package.json.template",
    "tensor-wasm.toml" <- "tensor-wasm.toml.template",
    "README.md" <- "README.md.template",
    ".gitignore" <- "gitignore.template",
);

/// The kernel of the templates `empty`.
const DOUBLE: &[File] = files!("kernels":
    "kernels/double.ptx" <- "double.ptx",
);

/// The files that make a project.
///
/// # Errors
///
/// Where the language has no such template for this version of WASI.
pub fn parts(
    language: Language,
    template: Template,
    wasi: Wasi,
) -> anyhow::Result<&'static [&'static [File]]> {
    use Language::{Javascript, Python, Rust};
    use Template::{Embeddings, Empty, Image, Saxpy, Stream};
    Ok(match (language, template, wasi) {
        (Rust, Empty, Wasi::P2) => &[RUST, RUST_EMPTY],
        (Rust, Saxpy, Wasi::P2) => &[RUST, RUST_SAXPY],
        (Rust, Image, Wasi::P2) => &[RUST, RUST_IMAGE],
        (Rust, Stream, Wasi::P2) => &[RUST, RUST_STREAM],
        (Rust, Embeddings, Wasi::P2) => &[RUST, RUST_EMBEDDINGS],
        (Rust, Empty, Wasi::P3) => &[RUST, RUST_EMPTY_P3],
        (Rust, Stream, Wasi::P3) => &[RUST, RUST_STREAM_P3],
        (Rust, template, Wasi::P3) => anyhow::bail!(
            "there is no template {} for WASI 0.3: it has empty and stream, and WASI 0.2, which is \
             served alike, has all",
            word(&template)
        ),
        (Python, Empty, Wasi::P2) => &[PYTHON, PYTHON_P2, DOUBLE],
        (Python, Empty, Wasi::P3) => &[PYTHON, PYTHON_P3, DOUBLE],
        (Javascript, Empty, Wasi::P2) => &[JAVASCRIPT, JAVASCRIPT_P2, DOUBLE],
        (Javascript, Empty, Wasi::P3) => &[JAVASCRIPT, JAVASCRIPT_P3, DOUBLE],
        (Python | Javascript, template, _) => anyhow::bail!(
            "there is no template {} for {language}: it has empty, and Rust has all",
            word(&template)
        ),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The template is the example service of the repository, so that there is one of them.
    #[test]
    fn the_template_image_is_the_component_of_the_repository() {
        let component =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../components/image");
        for (path, text) in RUST_IMAGE {
            let original = std::fs::read_to_string(component.join(path)).unwrap();
            assert!(*text == original, "copy components/image/{path} over it");
        }
    }
}
