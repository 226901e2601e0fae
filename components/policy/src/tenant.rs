//! The tenant that a request is for, and whether its caller may act for it.

use crate::bindings::credentials::Scope;
use crate::refusal::Refusal;
use tensor_wasm_middleware::decimal;

/// The header that names it.
pub const HEADER: &str = "x-tensorwasm-tenant";

/// The tenant in a request's headers of that name, if there are any.
pub fn named(headers: &[Vec<u8>]) -> Result<Option<u64>, Refusal> {
    match headers {
        [] => Ok(None),
        [header] => decimal::parse(header.trim_ascii())
            .map(Some)
            .ok_or(Refusal::InvalidTenant),
        // Which one counts would be for each reader to guess.
        _ => Err(Refusal::RepeatedTenant),
    }
}

/// Whether a scope holds a tenant.
pub fn holds(scope: &Scope, tenant: u64) -> bool {
    match scope {
        Scope::All => true,
        Scope::Only(tenants) => tenants.contains(&tenant),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(headers: &[&str]) -> Result<Option<u64>, Refusal> {
        let headers: Vec<_> = headers.iter().map(|h| h.as_bytes().to_vec()).collect();
        named(&headers)
    }

    #[test]
    fn a_tenant_is_an_unsigned_number_of_64_bits() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["0"]), Ok(Some(0)));
        assert_eq!(of(&[" \t7 "]), Ok(Some(7)));
        assert_eq!(of(&["18446744073709551615"]), Ok(Some(u64::MAX)));
    }

    #[test]
    fn anything_but_one_unsigned_number_is_an_invalid_tenant() {
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
            assert_eq!(of(&[text]), Err(Refusal::InvalidTenant), "{text:?}");
        }
    }

    #[test]
    fn two_tenant_headers_are_refused_even_if_equal() {
        assert_eq!(of(&["1", "2"]), Err(Refusal::RepeatedTenant));
        assert_eq!(of(&["1", "1"]), Err(Refusal::RepeatedTenant));
        assert_eq!(of(&["1", "x"]), Err(Refusal::RepeatedTenant));
    }

    #[test]
    fn a_scope_contains_exactly_the_tenants_it_lists() {
        assert!(holds(&Scope::All, u64::MAX));
        assert!(holds(&Scope::Only(vec![1, 2]), 2));
        assert!(!holds(&Scope::Only(vec![1, 2]), 0));
        assert!(!holds(&Scope::Only(vec![]), 0));
    }

    proptest! {
        #[test]
        fn any_header_bytes_are_a_decimal_tenant_or_invalid(header: Vec<u8>) {
            let expected = str::from_utf8(header.trim_ascii())
                .ok()
                .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|text| text.parse().ok());
            prop_assert_eq!(named(&[header]).ok().flatten(), expected);
        }

        #[test]
        fn every_number_is_a_tenant(tenant: u64, left in "[ \t]{0,3}", right in "[ \t]{0,3}") {
            let header = format!("{left}{tenant}{right}");
            prop_assert_eq!(of(&[&header]), Ok(Some(tenant)));
        }
    }
}
