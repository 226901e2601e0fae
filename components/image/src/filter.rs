//! The filters, and how a path names them.

/// What to do with a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Blurs with a 5 x 5 binomial filter, this many times.
    Gaussian {
        /// From 1 to [`MAX_PASSES`].
        passes: u32,
    },
    /// How steeply the brightness changes.
    Sobel,
    /// The brightness alone.
    Grayscale,
}

/// More would keep the device for long without a visible difference: at 64 the
/// blur's standard deviation is 8 pixels.
pub const MAX_PASSES: u32 = 64;

impl Filter {
    /// The filter of a path; `passes` is the query's, for `/gaussian`.
    pub fn of(path: &str, passes: Option<&str>) -> Option<Result<Filter, String>> {
        match path {
            "/gaussian" => Some(
                passes
                    .map_or(Ok(1), str::parse)
                    .ok()
                    .filter(|passes| (1..=MAX_PASSES).contains(passes))
                    .map(|passes| Filter::Gaussian { passes })
                    .ok_or_else(|| format!("passes must be a number from 1 to {MAX_PASSES}")),
            ),
            "/sobel" => Some(Ok(Filter::Sobel)),
            "/grayscale" => Some(Ok(Filter::Grayscale)),
            _ => None,
        }
    }

    /// The kernel's name.
    pub fn kernel(self) -> &'static str {
        match self {
            Filter::Gaussian { .. } => "gaussian",
            Filter::Sobel => "sobel",
            Filter::Grayscale => "grayscale",
        }
    }

    /// How many times the kernel runs.
    pub fn passes(self) -> u32 {
        match self {
            Filter::Gaussian { passes } => passes,
            Filter::Sobel | Filter::Grayscale => 1,
        }
    }

    /// Whether what comes out has no colours.
    pub fn is_gray(self) -> bool {
        !matches!(self, Filter::Gaussian { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_selects_the_filter_and_the_query_the_number_of_passes() {
        assert_eq!(
            Filter::of("/gaussian", None),
            Some(Ok(Filter::Gaussian { passes: 1 }))
        );
        assert_eq!(
            Filter::of("/gaussian", Some("8")),
            Some(Ok(Filter::Gaussian { passes: 8 }))
        );
        assert_eq!(Filter::of("/sobel", None), Some(Ok(Filter::Sobel)));
        assert_eq!(Filter::of("/", None), None);
    }

    #[test]
    fn numbers_of_passes_out_of_bounds_are_refused() {
        for passes in ["", "0", "65", "-1", "1e3", "4294967296"] {
            assert!(matches!(
                Filter::of("/gaussian", Some(passes)),
                Some(Err(_))
            ));
        }
    }
}
