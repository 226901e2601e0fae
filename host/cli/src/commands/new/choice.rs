//! What an author chooses: the language of a project, and the template that it starts from.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use clap::ValueEnum;

use super::folder;
use super::word;

/// The language of a component.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Language {
    #[default]
    Rust,
    Python,
    Javascript,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Python => "Python",
            Self::Javascript => "JavaScript",
        })
    }
}

impl Language {
    /// The commands that get what a build needs, as lines to follow.
    pub fn before_the_first_build(self) -> &'static str {
        match self {
            Self::Rust => "",
            Self::Python => "  pip install -r requirements.txt\n",
            Self::Javascript => "  npm install\n",
        }
    }
}

/// The version of WASI whose HTTP a project's service speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Wasi {
    /// A handler that is called and returns
    #[default]
    #[value(name = "0.2")]
    P2,
    /// An asynchronous handler, with bodies that are streams of the component model
    #[value(name = "0.3")]
    P3,
}

impl Wasi {
    /// The world of a service, which `tensor-wasm wit --world` prints.
    pub fn world(self) -> &'static str {
        match self {
            Self::P2 => "gpu-service",
            Self::P3 => "gpu-service-p3",
        }
    }
}

/// What a project starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Template {
    /// A service that doubles numbers
    Empty,
    /// A service that computes a * x + y, with JSON in and out
    Saxpy,
    /// A service that filters pictures, with PNG in and out, and computes without a device
    /// where none is granted
    Image,
    /// A service that computes on the body of a request while it arrives
    Stream,
    /// A service that finds texts by their vectors, which stay on the device between requests
    Embeddings,
}

/// What a project starts from: a template of this program, or one of somebody's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    Shipped(Template),
    /// A folder, or the URL of a git repository.
    Own(String),
}

impl FromStr for Start {
    type Err = String;

    fn from_str(text: &str) -> Result<Start, String> {
        if let Ok(template) = Template::from_str(text, false) {
            return Ok(Start::Shipped(template));
        }
        if folder::is_url(text) || Path::new(text).is_dir() {
            return Ok(Start::Own(text.to_owned()));
        }
        let names: Vec<_> = Template::value_variants().iter().map(word).collect();
        Err(format!(
            "there is no such folder, it is no URL of a git repository, and the templates are {}",
            names.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_start_is_a_name_a_url_or_a_folder_that_is_there() {
        assert_eq!("saxpy".parse(), Ok(Start::Shipped(Template::Saxpy)));
        for own in ["https://example.org/a.git", "git@example.org:a", "/"] {
            assert_eq!(own.parse(), Ok(Start::Own(own.to_owned())));
        }
        let refused = "sakspy".parse::<Start>().unwrap_err();
        assert!(refused.contains("saxpy, image, stream"), "{refused}");
    }
}
