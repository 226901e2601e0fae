//! The templates of projects: files with names in double braces that a project's own values replace.

use tensor_wasm_runtime::Contract;

use super::choice::{Language, Template, Wasi};
use super::folder::{Content, TemplateFile};
use super::name::ProjectName;
use super::sdk::Sdk;
use super::shipped;

/// The files of a project, each with its path in it.
///
/// # Errors
///
/// Where the language has no such template.
pub fn files(
    language: Language,
    template: Template,
    wasi: Wasi,
    name: &ProjectName,
    sdk: Option<&Sdk>,
) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let parts = shipped::parts(language, template, wasi)?;
    let mut values = values(name);
    values.extend([
        ("world", wasi.world().to_owned()),
        ("componentize", componentize(wasi).to_owned()),
        ("try", try_it(template).to_owned()),
        ("files", described(language, template, wasi).to_owned()),
    ]);
    if let Some(sdk) = sdk {
        let sdk = sdk.dependency()?;
        values.push(("dependencies", dependencies(template, wasi, &sdk)));
        values.push(("sdk", sdk));
    }
    let mut files: Vec<_> = parts
        .iter()
        .copied()
        .flatten()
        .map(|(path, text)| ((*path).to_owned(), filled_in(text, &values).into_bytes()))
        .collect();
    if language != Language::Rust {
        files.push(("wit/tensor.wit".to_owned(), contract(wasi)?.into_bytes()));
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
        values.push(("wit", contract(Wasi::P2)?));
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
fn contract(wasi: Wasi) -> anyhow::Result<String> {
    Ok(Contract::of_world(wasi.world())?.one_file()?)
}

/// The lines of a Rust project's manifest for what it depends on.
fn dependencies(template: Template, wasi: Wasi, sdk: &str) -> String {
    let http = match wasi {
        Wasi::P2 => format!("tensor-wasm-guest = {{ {sdk}, features = [\"http\"] }}"),
        Wasi::P3 => format!(
            "tensor-wasm-guest = {{ {sdk} }}\n\
             wasip3 = {{ version = \"0.10.0\", features = [\"async-spawn\"] }}"
        ),
    };
    let others = match (template, wasi) {
        (Template::Stream, Wasi::P2) => "wasip2 = \"2.0.1\"\n",
        (Template::Empty | Template::Embeddings | Template::Stream, _) => "",
        (Template::Saxpy, _) => {
            "serde = { version = \"1\", features = [\"derive\"] }\nserde_json = \"1\"\n"
        }
        (Template::Image, _) => "png = \"0.18\"\n",
    };
    format!("{others}{http}")
}

/// What `jco componentize` is told. StarlingMonkey's handlers are synchronous, those of QuickJS are not.
/// The former's `fetch` is for an older version of `wasi:http` than that of the world.
fn componentize(wasi: Wasi) -> &'static str {
    match wasi {
        Wasi::P2 => "--disable http fetch-event --wit wit/tensor.wit --world-name gpu-service",
        Wasi::P3 => "--backend quickjs --wit wit --world-name service",
    }
}

/// The lines of a README's table about the files that not all projects have.
fn described(language: Language, template: Template, wasi: Wasi) -> &'static str {
    match (language, template, wasi) {
        (Language::Python, ..) | (Language::Javascript, _, Wasi::P2) => "",
        (Language::Javascript, _, Wasi::P3) => {
            "| `wit/service.wit` | which of them this component has |\n"
        }
        (_, Template::Empty | Template::Stream, _) => {
            "| `src/lib.rs` | what answers requests, and the kernel |\n"
        }
        (_, Template::Embeddings, _) => {
            "| `src/lib.rs` | what answers requests, and the kernel |\n\
             | `src/texts.txt` | the texts that are found, one a line |\n"
        }
        (_, Template::Saxpy | Template::Image, _) => {
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

    /// A project that there is.
    struct Made {
        language: Language,
        wasi: Wasi,
        /// Each with its path.
        files: Vec<(String, String)>,
    }

    fn projects() -> Vec<Made> {
        let name: ProjectName = "my-service".parse().unwrap();
        let sdk = Sdk::Version("0.1".to_owned());
        let mut projects = Vec::new();
        for language in Language::value_variants() {
            for template in Template::value_variants() {
                for wasi in Wasi::value_variants() {
                    let Ok(files) = files(*language, *template, *wasi, &name, Some(&sdk)) else {
                        let all = *language == Language::Rust && *wasi == Wasi::P2;
                        assert!(!all && *template != Template::Empty);
                        continue;
                    };
                    let text = |bytes| String::from_utf8(bytes).unwrap();
                    let files = files.into_iter();
                    projects.push(Made {
                        language: *language,
                        wasi: *wasi,
                        files: files.map(|(path, bytes)| (path, text(bytes))).collect(),
                    });
                }
            }
        }
        projects
    }

    #[test]
    fn no_file_of_a_project_has_a_name_that_was_not_replaced() {
        for (path, text) in projects().into_iter().flat_map(|made| made.files) {
            for key in [
                "name",
                "kebab",
                "crate",
                "sdk",
                "dependencies",
                "world",
                "componentize",
                "try",
                "files",
            ] {
                assert!(!text.contains(&format!("{{{{{key}}}}}")), "{path}: {key}");
            }
        }
    }

    /// Interfaces are named with their versions in JavaScript, and in a world of a project's own.
    #[test]
    fn each_interface_that_a_project_names_is_in_its_contract() {
        let mut named = 0;
        for made in projects() {
            if made.language == Language::Rust {
                continue;
            }
            let contract = contract(made.wasi).unwrap();
            let own = made
                .files
                .iter()
                .filter(|(path, _)| path != "wit/tensor.wit");
            for (path, text) in own {
                for part in text.split(['"', ' ', ';', '\n']) {
                    let is_interface = part.starts_with("wasi:") || part.starts_with("tensor:gpu/");
                    if is_interface && part.contains('@') {
                        assert!(contract.contains(&format!("{part};")), "{path}: {part}");
                        named += 1;
                    }
                }
            }
        }
        assert!(named > 3, "only {named}");
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
}
