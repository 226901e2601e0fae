//! Error codes of `wasi:http` in a journal: the name as the contract spells it, and what comes with it.

use serde_json::{Value, json};
use wasmtime_wasi_http::p2::bindings::http::types::{
    DnsErrorPayload, ErrorCode, FieldSizePayload, TlsAlertReceivedPayload,
};

/// Codes with nothing beside their names, in both directions.
macro_rules! plain {
    ($($code:ident = $name:literal),* $(,)?) => {
        fn plain_name(code: &ErrorCode) -> Option<&'static str> {
            match code {
                $(ErrorCode::$code => Some($name),)*
                _ => None,
            }
        }

        fn plain_code(name: &str) -> Option<ErrorCode> {
            match name {
                $($name => Some(ErrorCode::$code),)*
                _ => None,
            }
        }
    };
}

plain! {
    DnsTimeout = "DNS-timeout",
    DestinationNotFound = "destination-not-found",
    DestinationUnavailable = "destination-unavailable",
    DestinationIpProhibited = "destination-IP-prohibited",
    DestinationIpUnroutable = "destination-IP-unroutable",
    ConnectionRefused = "connection-refused",
    ConnectionTerminated = "connection-terminated",
    ConnectionTimeout = "connection-timeout",
    ConnectionReadTimeout = "connection-read-timeout",
    ConnectionWriteTimeout = "connection-write-timeout",
    ConnectionLimitReached = "connection-limit-reached",
    TlsProtocolError = "TLS-protocol-error",
    TlsCertificateError = "TLS-certificate-error",
    HttpRequestDenied = "HTTP-request-denied",
    HttpRequestLengthRequired = "HTTP-request-length-required",
    HttpRequestMethodInvalid = "HTTP-request-method-invalid",
    HttpRequestUriInvalid = "HTTP-request-URI-invalid",
    HttpRequestUriTooLong = "HTTP-request-URI-too-long",
    HttpResponseIncomplete = "HTTP-response-incomplete",
    HttpResponseTimeout = "HTTP-response-timeout",
    HttpUpgradeFailed = "HTTP-upgrade-failed",
    HttpProtocolError = "HTTP-protocol-error",
    LoopDetected = "loop-detected",
    ConfigurationError = "configuration-error",
}

fn size(field: &FieldSizePayload) -> Value {
    json!({ "field-name": field.field_name, "field-size": field.field_size })
}

fn field(value: &Value) -> Option<FieldSizePayload> {
    Some(FieldSizePayload {
        field_name: text(value.get("field-name")?),
        field_size: small(value.get("field-size")?),
    })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn small(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// As it is recorded.
pub(super) fn value(code: &ErrorCode) -> Value {
    if let Some(name) = plain_name(code) {
        return Value::String(name.to_owned());
    }
    match code {
        ErrorCode::DnsError(dns) => {
            json!({ "DNS-error": { "rcode": dns.rcode, "info-code": dns.info_code } })
        }
        ErrorCode::TlsAlertReceived(alert) => json!({
            "TLS-alert-received": { "alert-id": alert.alert_id, "alert-message": alert.alert_message }
        }),
        ErrorCode::HttpRequestBodySize(bytes) => json!({ "HTTP-request-body-size": bytes }),
        ErrorCode::HttpRequestHeaderSectionSize(bytes) => {
            json!({ "HTTP-request-header-section-size": bytes })
        }
        ErrorCode::HttpRequestHeaderSize(field) => {
            json!({ "HTTP-request-header-size": field.as_ref().map(size) })
        }
        ErrorCode::HttpRequestTrailerSectionSize(bytes) => {
            json!({ "HTTP-request-trailer-section-size": bytes })
        }
        ErrorCode::HttpRequestTrailerSize(field) => {
            json!({ "HTTP-request-trailer-size": size(field) })
        }
        ErrorCode::HttpResponseHeaderSectionSize(bytes) => {
            json!({ "HTTP-response-header-section-size": bytes })
        }
        ErrorCode::HttpResponseHeaderSize(field) => {
            json!({ "HTTP-response-header-size": size(field) })
        }
        ErrorCode::HttpResponseBodySize(bytes) => json!({ "HTTP-response-body-size": bytes }),
        ErrorCode::HttpResponseTrailerSectionSize(bytes) => {
            json!({ "HTTP-response-trailer-section-size": bytes })
        }
        ErrorCode::HttpResponseTrailerSize(field) => {
            json!({ "HTTP-response-trailer-size": size(field) })
        }
        ErrorCode::HttpResponseTransferCoding(coding) => {
            json!({ "HTTP-response-transfer-coding": coding })
        }
        ErrorCode::HttpResponseContentCoding(coding) => {
            json!({ "HTTP-response-content-coding": coding })
        }
        ErrorCode::InternalError(message) => json!({ "internal-error": message }),
        // Those of the table above.
        _ => Value::Null,
    }
}

/// As it was recorded.
pub(super) fn code(value: &Value) -> Option<ErrorCode> {
    if let Value::String(name) = value {
        return plain_code(name);
    }
    let (name, with) = value.as_object()?.iter().next()?;
    Some(match name.as_str() {
        "DNS-error" => ErrorCode::DnsError(DnsErrorPayload {
            rcode: text(with.get("rcode")?),
            info_code: small(with.get("info-code")?).and_then(|code| u16::try_from(code).ok()),
        }),
        "TLS-alert-received" => ErrorCode::TlsAlertReceived(TlsAlertReceivedPayload {
            alert_id: small(with.get("alert-id")?).and_then(|id| u8::try_from(id).ok()),
            alert_message: text(with.get("alert-message")?),
        }),
        "HTTP-request-body-size" => ErrorCode::HttpRequestBodySize(with.as_u64()),
        "HTTP-request-header-section-size" => ErrorCode::HttpRequestHeaderSectionSize(small(with)),
        "HTTP-request-header-size" => ErrorCode::HttpRequestHeaderSize(field(with)),
        "HTTP-request-trailer-section-size" => {
            ErrorCode::HttpRequestTrailerSectionSize(small(with))
        }
        "HTTP-request-trailer-size" => ErrorCode::HttpRequestTrailerSize(field(with)?),
        "HTTP-response-header-section-size" => {
            ErrorCode::HttpResponseHeaderSectionSize(small(with))
        }
        "HTTP-response-header-size" => ErrorCode::HttpResponseHeaderSize(field(with)?),
        "HTTP-response-body-size" => ErrorCode::HttpResponseBodySize(with.as_u64()),
        "HTTP-response-trailer-section-size" => {
            ErrorCode::HttpResponseTrailerSectionSize(small(with))
        }
        "HTTP-response-trailer-size" => ErrorCode::HttpResponseTrailerSize(field(with)?),
        "HTTP-response-transfer-coding" => ErrorCode::HttpResponseTransferCoding(text(with)),
        "HTTP-response-content-coding" => ErrorCode::HttpResponseContentCoding(text(with)),
        "internal-error" => ErrorCode::InternalError(text(with)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn codes_are_read_as_they_were_written() {
        let field = FieldSizePayload {
            field_name: Some("x".to_owned()),
            field_size: Some(7),
        };
        for known in [
            ErrorCode::ConnectionRefused,
            ErrorCode::HttpRequestUriInvalid,
            ErrorCode::DnsError(DnsErrorPayload {
                rcode: Some("NXDOMAIN".to_owned()),
                info_code: Some(3),
            }),
            ErrorCode::TlsAlertReceived(TlsAlertReceivedPayload {
                alert_id: Some(40),
                alert_message: None,
            }),
            ErrorCode::HttpRequestBodySize(Some(u64::MAX)),
            ErrorCode::HttpRequestHeaderSize(None),
            ErrorCode::HttpResponseHeaderSize(field),
            ErrorCode::HttpResponseContentCoding(Some("br".to_owned())),
            ErrorCode::InternalError(None),
        ] {
            let read = code(&value(&known)).unwrap();
            assert_eq!(format!("{read:?}"), format!("{known:?}"));
        }
        assert!(code(&json!({ "no such": 1 })).is_none());
        assert!(code(&Value::Null).is_none());
    }
}
