//! A client of HTTP/2 that sends what it is told, for requests that an HTTP client would not
//! send: one request on one connection.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::wait::PATIENCE;

/// What came back on the stream of the request.
#[derive(Debug, Default)]
pub struct StreamEnd {
    /// The data, as text.
    pub body: String,
    /// The error code, where the server reset the stream or gave the connection up (RFC 9113,
    /// section 7).
    pub error: Option<u32>,
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Sends a request of these fields and no body, pseudo-header fields included, and reads its
/// answer.
///
/// # Panics
/// Where the server neither answers nor ends the stream within [`PATIENCE`], and where a field
/// is too long for this client.
pub fn http2_request(address: SocketAddr, fields: &[(&str, &[u8])]) -> StreamEnd {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut sent = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    sent.extend(frame(SETTINGS, 0, 0, &[]));
    let block: Vec<u8> = fields
        .iter()
        .flat_map(|(name, value)| literal(name.as_bytes(), value))
        .collect();
    sent.extend(frame(HEADERS, END_STREAM | END_HEADERS, 1, &block));
    stream.write_all(&sent).unwrap();
    let mut end = StreamEnd::default();
    let mut body = Vec::new();
    while let Some((kind, flags, number, payload)) = read(&mut stream) {
        let code = |from: usize| {
            let bytes = payload.get(from..from + 4).unwrap_or(&[0; 4]);
            u32::from_be_bytes(bytes.try_into().unwrap())
        };
        match (kind, number) {
            (GOAWAY, _) => {
                end.error.get_or_insert(code(4));
                break;
            }
            (RST_STREAM, 1) => {
                end.error = Some(code(0));
                break;
            }
            (DATA, 1) => body.extend(payload),
            _ => {}
        }
        if number == 1 && matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            break;
        }
    }
    end.body = String::from_utf8_lossy(&body).into_owned();
    end
}

/// A field that HPACK neither indexes nor compresses (RFC 7541, section 6.2.2).
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let length = |text: &[u8]| u8::try_from(text.len()).ok().filter(|length| *length < 127);
    let mut bytes = vec![0, length(name).expect("a short name")];
    bytes.extend(name);
    bytes.push(length(value).expect("a short value"));
    bytes.extend(value);
    bytes
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Reads a frame: its kind, flags, stream and payload; `None` where the server hung up.
fn read(stream: &mut TcpStream) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    let whole = |outcome: io::Result<()>| match outcome {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            panic!("the server neither answered nor hung up: {error}")
        }
        Err(_) => false,
    };
    if !whole(stream.read_exact(&mut head)) {
        return None;
    }
    let [l0, l1, l2, kind, flags, number @ ..] = head;
    let mut payload = vec![0; u32::from_be_bytes([0, l0, l1, l2]) as usize];
    whole(stream.read_exact(&mut payload)).then_some((
        kind,
        flags,
        u32::from_be_bytes(number),
        payload,
    ))
}
