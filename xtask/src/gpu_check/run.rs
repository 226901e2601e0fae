//! What the parts of the script know of the run that they belong to.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::bundle::Bundle;
use crate::stand_in::Gpu;

/// One run of the script.
pub struct Run<'a> {
    pub bundle: &'a Bundle,
    pub gpu: Gpu,
    /// Where results and logs go.
    pub out: PathBuf,
    /// Only a look at everything: for a test of the script itself.
    pub is_short: bool,
    /// When the part that runs must have ended.
    pub until: Instant,
}

impl<'a> Run<'a> {
    pub fn new(bundle: &'a Bundle, gpu: Gpu, out: &Path, is_short: bool) -> Self {
        Self {
            bundle,
            gpu,
            out: out.to_owned(),
            is_short,
            until: Instant::now(),
        }
    }

    /// What is left of the part's time, and no more than `most`.
    pub fn remaining(&self, most: Duration) -> Duration {
        self.until
            .saturating_duration_since(Instant::now())
            .min(most)
    }

    pub fn is_real(&self) -> bool {
        matches!(self.gpu, Gpu::Real)
    }
}
