//! The tenant of a request, and whether a caller may act for it.

use crate::bindings::credentials::Scope;
use crate::refusal::Refusal;
use tensor_wasm_middleware::decimal;

/// The header that names the tenant.
pub const HEADER: &str = "x-tensorwasm-tenant";

/// The tenant in the values of the header [`HEADER`], `None` if there are none.
///
/// # Errors
/// [`Refusal::InvalidTenant`] if it is not an unsigned 64-bit number,
/// [`Refusal::RepeatedTenant`] if there are several values.
pub fn from_headers(headers: &[Vec<u8>]) -> Result<Option<u64>, Refusal> {
    match headers {
        [] => Ok(None),
        [header] => decimal::parse(header.trim_ascii())
            .map(Some)
            .ok_or(Refusal::InvalidTenant),
        // Other readers of the request might use another one of them.
        _ => Err(Refusal::RepeatedTenant),
    }
}

/// Whether a scope contains a tenant.
pub fn is_in_scope(scope: &Scope, tenant: u64) -> bool {
    match scope {
        Scope::All => true,
        Scope::Only(tenants) => tenants.contains(&tenant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tenant_of(headers: &[&str]) -> Result<Option<u64>, Refusal> {
        let headers: Vec<_> = headers.iter().map(|h| h.as_bytes().to_vec()).collect();
        from_headers(&headers)
    }

    #[test]
    fn a_tenant_is_an_unsigned_number_of_64_bits() {
        assert_eq!(tenant_of(&[]), Ok(None));
        assert_eq!(tenant_of(&["0"]), Ok(Some(0)));
        assert_eq!(tenant_of(&[" \t7 "]), Ok(Some(7)));
        assert_eq!(tenant_of(&["18446744073709551615"]), Ok(Some(u64::MAX)));
    }

    #[test]
    fn anything_else_is_invalid() {
        for text in [
            "",
            " ",
            "+1",
            "-1",
            "1 2",
            "1,2",
            "0x7",
            "7.0",
            "*",
            "18446744073709551616",
            "\u{661}",
        ] {
            assert_eq!(tenant_of(&[text]), Err(Refusal::InvalidTenant), "{text:?}");
        }
    }

    #[test]
    fn a_repeated_header_is_refused_even_with_equal_values() {
        assert_eq!(tenant_of(&["1", "2"]), Err(Refusal::RepeatedTenant));
        assert_eq!(tenant_of(&["1", "1"]), Err(Refusal::RepeatedTenant));
        assert_eq!(tenant_of(&["1", "x"]), Err(Refusal::RepeatedTenant));
    }

    #[test]
    fn a_scope_contains_only_the_tenants_that_it_lists() {
        assert!(is_in_scope(&Scope::All, u64::MAX));
        assert!(is_in_scope(&Scope::Only(vec![1, 2]), 2));
        assert!(!is_in_scope(&Scope::Only(vec![1, 2]), 0));
        assert!(!is_in_scope(&Scope::Only(vec![]), 0));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_tenant_only_if_they_are_a_number(header: Vec<u8>) {
            let expected = str::from_utf8(header.trim_ascii())
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok());
            prop_assert_eq!(from_headers(&[header]).ok().flatten(), expected);
        }

        #[test]
        fn every_unsigned_64_bit_number_is_a_tenant(tenant: u64, left in "[ \t]{0,3}", right in "[ \t]{0,3}") {
            let header = format!("{left}{tenant}{right}");
            prop_assert_eq!(tenant_of(&[&header]), Ok(Some(tenant)));
        }
    }
}
