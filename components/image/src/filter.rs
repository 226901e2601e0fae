//! The filters, and the paths that select them.

/// A filter for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// Applies a 5 x 5 binomial blur several times.
    Gaussian {
        /// From 1 to [`MAX_PASSES`].
        passes: u32,
    },
    /// Computes the length of the brightness gradient, with Sobel's operator.
    Sobel,
    /// Computes the brightness.
    Grayscale,
}

/// The most passes. With 64 the standard deviation of the blur is 8 pixels; more would occupy
/// the device for long.
pub const MAX_PASSES: u32 = 64;

impl Filter {
    /// The filter for a path, and for `/gaussian` the query parameter `passes`. `None` if there
    /// is no such filter, an error message if `passes` is invalid.
    pub fn from_request(path: &str, passes: Option<&str>) -> Option<Result<Filter, String>> {
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

    /// The number of times that the kernel runs.
    pub fn passes(self) -> u32 {
        match self {
            Filter::Gaussian { passes } => passes,
            Filter::Sobel | Filter::Grayscale => 1,
        }
    }

    /// Whether the result has no colours.
    pub fn is_gray(self) -> bool {
        !matches!(self, Filter::Gaussian { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_selects_a_filter_and_a_query_the_number_of_passes() {
        assert_eq!(
            Filter::from_request("/gaussian", None),
            Some(Ok(Filter::Gaussian { passes: 1 }))
        );
        assert_eq!(
            Filter::from_request("/gaussian", Some("8")),
            Some(Ok(Filter::Gaussian { passes: 8 }))
        );
        assert_eq!(
            Filter::from_request("/sobel", None),
            Some(Ok(Filter::Sobel))
        );
        assert_eq!(Filter::from_request("/", None), None);
    }

    #[test]
    fn numbers_of_passes_out_of_bounds_are_refused() {
        for passes in ["", "0", "65", "-1", "1e3", "4294967296"] {
            assert!(matches!(
                Filter::from_request("/gaussian", Some(passes)),
                Some(Err(_))
            ));
        }
    }
}
