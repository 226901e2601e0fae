//! The templates of projects, which this program contains: files with names in double braces
//! that a project's own values replace.

use tensor_wasm_runtime::Contract;

use super::choice::{Language, Template};
use super::folder::{Content, TemplateFile};
use super::name::ProjectName;
use super::sdk::Sdk;
use super::word;

/// A file of a template: its path in a project, and its text.
type File = (&'static str, &'static str);

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

const RUST_EMBEDDINGS: &[File] = files!("rust/embeddings":
    "src/lib.rs" <- "src/lib.rs.template",
    "src/texts.txt" <- "src/texts.txt",
);

const PYTHON: &[File] = files!("python":
    "app.py" <- "app.py.template",
    "test_kernel.py" <- "test_kernel.py.template",
    "requirements.txt" <- "requirements.txt.template",
    "tensor-wasm.toml" <- "tensor-wasm.toml.template",
    "README.md" <- "README.md.template",
    ".gitignore" <- "gitignore.template",
);

const JAVASCRIPT: &[File] = files!("javascript":
    "app.js" <- "app.js.template",
    "bundle.config.js" <- "bundle.config.js.template",
    "kernel.test.js" <- "kernel.test.js.template",
    "package.json" <- "package.json.template",
    "tensor-wasm.toml" <- "tensor-wasm.toml.template",
    "README.md" <- "README.md.template",
    ".gitignore" <- "gitignore.template",
);

/// The kernel of the templates `empty`.
const DOUBLE: File = (
    "kernels/double.ptx",
    include_str!("../../../templates/kernels/double.ptx"),
);

/// The files of a project, each with its path in it.
///
/// # Errors
///
/// Where the language has no such template.
pub fn files(
    language: Language,
    template: Template,
    name: &ProjectName,
    sdk: Option<&Sdk>,
) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let parts: &[&[File]] = match (language, template) {
        (Language::Rust, Template::Empty) => &[RUST, RUST_EMPTY],
        (Language::Rust, Template::Saxpy) => &[RUST, RUST_SAXPY],
        (Language::Rust, Template::Image) => &[RUST, RUST_IMAGE],
        (Language::Rust, Template::Stream) => &[RUST, RUST_STREAM],
        (Language::Rust, Template::Embeddings) => &[RUST, RUST_EMBEDDINGS],
        (Language::Python, Template::Empty) => &[PYTHON, &[DOUBLE]],
        (Language::Javascript, Template::Empty) => &[JAVASCRIPT, &[DOUBLE]],
        (language, template) => anyhow::bail!(
            "there is no template {} for {language}: it has empty, and Rust has all",
            word(&template)
        ),
    };
    let mut values = values(name);
    values.extend([
        (
            "sdk",
            sdk.map_or_else(|| Ok(String::new()), Sdk::dependency)?,
        ),
        ("dependencies", dependencies(template).to_owned()),
        ("try", try_it(template).to_owned()),
        ("files", described(template).to_owned()),
    ]);
    let mut files: Vec<_> = parts
        .iter()
        .copied()
        .flatten()
        .map(|(path, text)| ((*path).to_owned(), filled_in(text, &values).into_bytes()))
        .collect();
    if language != Language::Rust {
        files.push(("wit/tensor.wit".to_owned(), contract()?.into_bytes()));
    }
    Ok(files)
}

/// The files of a project that starts from somebody's own template. The SDK is looked for where a
/// file names it.
///
/// # Errors
///
/// Where a file names the SDK, and it is nowhere.
pub fn filled_in_folder(
    files: Vec<TemplateFile>,
    name: &ProjectName,
    sdk: impl FnOnce() -> anyhow::Result<Sdk>,
) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let names = |key: &str| {
        let key = format!("{{{{{key}}}}}");
        let mut contents = files.iter().map(|file| &file.content);
        contents.any(|content| matches!(content, Content::FilledIn(text) if text.contains(&key)))
    };
    let mut values = values(name);
    if names("sdk") {
        values.push(("sdk", sdk()?.dependency()?));
    }
    if names("wit") {
        values.push(("wit", contract()?));
    }
    let files = files.into_iter().map(|file| {
        let bytes = match file.content {
            Content::FilledIn(text) => filled_in(&text, &values).into_bytes(),
            Content::Copied(bytes) => bytes,
        };
        (file.path, bytes)
    });
    Ok(files.collect())
}

/// What each template may name.
fn values(name: &ProjectName) -> Vec<(&'static str, String)> {
    vec![
        ("name", name.as_str().to_owned()),
        ("kebab", name.kebab()),
        ("crate", name.snake()),
    ]
}

/// The contract of a service, as one file.
fn contract() -> anyhow::Result<String> {
    Ok(Contract::of_world("gpu-service")?.one_file()?)
}

/// The lines of a manifest for what a template depends on beside the SDK.
fn dependencies(template: Template) -> &'static str {
    match template {
        Template::Empty | Template::Embeddings => "",
        Template::Stream => "wasip2 = \"2.0.1\"\n",
        Template::Saxpy => {
            "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n"
        }
        Template::Image => "png = \"0.18\"\n",
    }
}

/// The lines of a README's table about the code of a Rust project.
fn described(template: Template) -> &'static str {
    match template {
        Template::Empty | Template::Stream => {
            "| `src/lib.rs` | what answers requests, and the kernel |\n"
        }
        Template::Embeddings => {
            "| `src/lib.rs` | what answers requests, and the kernel |\n\
             | `src/texts.txt` | the texts that are found, one a line |\n"
        }
        Template::Saxpy | Template::Image => {
            "| `src/lib.rs` | what answers requests |\n\
             | `kernels/` | what runs on the device: PTX, and the CUDA C that it was compiled from |\n"
        }
    }
}

/// How a service is tried, for its README.
fn try_it(template: Template) -> &'static str {
    match template {
        Template::Empty => {
            "\
```sh
curl 'http://127.0.0.1:8080/?numbers=1,2,3'
```
"
        }
        Template::Saxpy => {
            "\
```sh
curl --data '{\"a\": 2, \"x\": [1, 2], \"y\": [3, 4]}' http://127.0.0.1:8080/
```
"
        }
        Template::Image => {
            "\
```sh
curl --data-binary @picture.png --output edges.png http://127.0.0.1:8080/sobel
```
"
        }
        Template::Stream => {
            "\
```sh
curl --data-binary @samples.f32 --output louder.f32 'http://127.0.0.1:8080/?gain=2'
```
"
        }
        Template::Embeddings => {
            "\
```sh
curl --data 'what is the weather tomorrow' http://127.0.0.1:8080/
```
"
        }
    }
}

/// A text with each `{{key}}` replaced. What is put in is not looked at again.
fn filled_in(text: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled += before;
        let value = after.split_once("}}").and_then(|(key, after)| {
            let (_, value) = values.iter().find(|(name, _)| *name == key)?;
            Some((value, after))
        });
        match value {
            Some((value, after)) => {
                filled += value;
                rest = after;
            }
            None => {
                filled += "{{";
                rest = after;
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::ValueEnum;

    use super::*;

    #[test]
    fn only_the_names_that_a_project_has_are_replaced() {
        let values = [("name", "{{crate}}".to_owned()), ("crate", "x".to_owned())];
        assert_eq!(
            filled_in("a {{name}} {{other}} {{{crate}}} {{", &values),
            "a {{crate}} {{other}} {{{crate}}} {{"
        );
        assert_eq!(filled_in("{{crate}}/{{crate}}", &values), "x/x");
    }

    #[test]
    fn no_file_of_a_project_has_a_name_that_was_not_replaced() {
        let name: ProjectName = "my-service".parse().unwrap();
        let sdk = Sdk::Version("0.1".to_owned());
        for language in Language::value_variants() {
            for template in Template::value_variants() {
                let Ok(files) = files(*language, *template, &name, Some(&sdk)) else {
                    assert!(*language != Language::Rust && *template != Template::Empty);
                    continue;
                };
                for (path, bytes) in files {
                    let text = String::from_utf8(bytes).unwrap();
                    for key in [
                        "name",
                        "kebab",
                        "crate",
                        "sdk",
                        "dependencies",
                        "try",
                        "files",
                    ] {
                        assert!(!text.contains(&format!("{{{{{key}}}}}")), "{path}: {key}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_template_of_one_s_own_gets_the_sdk_and_the_contract_where_it_names_them() {
        let name: ProjectName = "my-service".parse().unwrap();
        let file = |text: &str| TemplateFile {
            path: "a".to_owned(),
            content: Content::FilledIn(text.to_owned()),
        };
        let filled = |text: &str, sdk: fn() -> anyhow::Result<Sdk>| {
            let files = filled_in_folder(vec![file(text)], &name, sdk)?;
            anyhow::Ok(String::from_utf8(files[0].1.clone())?)
        };
        let nowhere = || anyhow::bail!("it is nowhere");
        assert_eq!(
            filled("{{crate}} {{other}}", nowhere).unwrap(),
            "my_service {{other}}"
        );
        assert!(filled("{{sdk}}", nowhere).is_err());
        let sdk = filled("{{sdk}}", || Ok(Sdk::Version("0.1".to_owned())));
        assert_eq!(sdk.unwrap(), "version = \"0.1\"");
        let contract = filled("{{wit}}", nowhere).unwrap();
        assert!(contract.contains("world gpu-service"), "{contract}");
    }

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
