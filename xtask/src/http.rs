//! A small HTTP/1.1 client over one kept connection: enough for the demo's
//! requests, and cheap enough to put a server under load on the same machine.
//! It reads bodies with a length and in chunks.

use std::{net::SocketAddr, ops::Range, pin::pin};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// Response heads larger than this are an error.
const HEAD_BYTES: usize = 64 * 1024;

/// A connection that is kept between requests, and opened anew where the server
/// closes it after an answer.
pub struct Connection {
    address: SocketAddr,
    writer: OwnedWriteHalf,
    reader: Reader,
}

struct Reader {
    stream: OwnedReadHalf,
    /// Bytes read and not yet consumed lie from `start` on.
    buffer: Vec<u8>,
    start: usize,
    /// The server said that it closes the connection after this answer.
    last: bool,
}

/// A response, read to its end.
pub struct Response {
    /// The status code.
    pub status: u16,
    headers: Vec<(String, String)>,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The text of a request, ready to be sent any number of times.
pub fn request(
    method: &str,
    path: &str,
    host: SocketAddr,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

enum Framing {
    Length(usize),
    Chunks,
    ToTheEnd,
}

struct Head {
    status: u16,
    framing: Framing,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// Where nothing listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (stream, writer) = stream.into_split();
        Ok(Self {
            address,
            writer,
            reader: Reader {
                stream,
                buffer: Vec::with_capacity(16 * 1024),
                start: 0,
                last: false,
            },
        })
    }

    /// Sends a request made by [`request`], and reads the whole response.
    ///
    /// # Errors
    /// Where the connection breaks or the answer is not HTTP/1.1.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Response> {
        let mut headers = Vec::new();
        let mut body = Vec::new();
        let status = self
            .converse(request, Some(&mut headers), &mut |part| {
                body.extend_from_slice(part);
            })
            .await?;
        Ok(Response {
            status,
            headers,
            body,
        })
    }

    /// Like [`Connection::exchange`], but keeps only the status.
    ///
    /// # Errors
    /// Where the connection breaks or the answer is not HTTP/1.1.
    pub async fn status(&mut self, request: &[u8]) -> Result<u16> {
        self.converse(request, None, &mut |_| {}).await
    }

    /// Sends and receives at the same time: a server may answer, and close the
    /// connection, before it has read the whole request.
    async fn converse(
        &mut self,
        request: &[u8],
        headers: Option<&mut Vec<(String, String)>>,
        body: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<u16> {
        if self.reader.last {
            *self = Self::open(self.address).await?;
        }
        let mut sending = pin!(self.writer.write_all(request));
        let mut receiving = pin!(self.reader.receive(headers, body));
        tokio::select! {
            biased;
            sent = &mut sending => match sent {
                Ok(()) => receiving.await,
                Err(error) => receiving.await.context(error),
            },
            received = &mut receiving => received,
        }
    }
}

impl Reader {
    async fn receive(
        &mut self,
        headers: Option<&mut Vec<(String, String)>>,
        body: &mut (dyn FnMut(&[u8]) + Send),
    ) -> Result<u16> {
        let head = self.head(headers).await?;
        match head.framing {
            Framing::Length(bytes) => self.pass(bytes, body).await?,
            Framing::Chunks => loop {
                let line = self.line().await?;
                let size = std::str::from_utf8(self.text(&line))?;
                let size = size.split(';').next().unwrap_or_default().trim();
                let size = usize::from_str_radix(size, 16).context("not a chunk's size")?;
                if size == 0 {
                    while !self.line().await?.is_empty() {}
                    break;
                }
                self.pass(size, body).await?;
                self.line().await?;
            },
            Framing::ToTheEnd => loop {
                body(self.text(&(self.start..self.buffer.len())));
                self.start = self.buffer.len();
                if !self.fill().await? {
                    break;
                }
            },
        }
        Ok(head.status)
    }

    async fn head(&mut self, mut keep: Option<&mut Vec<(String, String)>>) -> Result<Head> {
        loop {
            let mut slots = [httparse::EMPTY_HEADER; 64];
            let mut response = httparse::Response::new(&mut slots);
            let parsed = response
                .parse(self.text(&(self.start..self.buffer.len())))
                .context("not an HTTP response")?;
            if let httparse::Status::Complete(bytes) = parsed {
                let status = response.code.unwrap_or_default();
                let mut last = false;
                let mut framing = Framing::ToTheEnd;
                for header in response.headers.iter() {
                    if header.name.eq_ignore_ascii_case("content-length") {
                        let length = std::str::from_utf8(header.value)?;
                        framing = Framing::Length(length.trim().parse().context("content-length")?);
                    } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                        framing = Framing::Chunks;
                    } else if header.name.eq_ignore_ascii_case("connection") {
                        last = header.value.eq_ignore_ascii_case(b"close");
                    }
                    if let Some(keep) = keep.as_deref_mut() {
                        let value = String::from_utf8_lossy(header.value);
                        keep.push((header.name.to_owned(), value.into_owned()));
                    }
                }
                if status == 204 || status == 304 {
                    framing = Framing::Length(0);
                }
                self.start += bytes;
                self.last = last || matches!(framing, Framing::ToTheEnd);
                return Ok(Head { status, framing });
            }
            if self.buffer.len() - self.start > HEAD_BYTES {
                bail!("a response head of more than {HEAD_BYTES} bytes");
            }
            self.need().await?;
        }
    }

    /// Hands on the next `bytes` bytes.
    async fn pass(&mut self, mut bytes: usize, to: &mut (dyn FnMut(&[u8]) + Send)) -> Result<()> {
        while bytes > 0 {
            let here = bytes.min(self.buffer.len() - self.start);
            to(self.text(&(self.start..self.start + here)));
            self.start += here;
            bytes -= here;
            if bytes > 0 {
                self.need().await?;
            }
        }
        Ok(())
    }

    /// The next line, without its end.
    async fn line(&mut self) -> Result<Range<usize>> {
        let mut searched = self.start;
        loop {
            let end = self
                .text(&(searched..self.buffer.len()))
                .iter()
                .position(|byte| *byte == b'\n');
            if let Some(end) = end {
                let mut line = self.start..searched + end;
                self.start = line.end + 1;
                if self.text(&line).ends_with(b"\r") {
                    line.end -= 1;
                }
                return Ok(line);
            }
            let pending = self.buffer.len() - self.start;
            self.need().await?;
            searched = self.start + pending;
        }
    }

    fn text(&self, range: &Range<usize>) -> &[u8] {
        self.buffer.get(range.clone()).unwrap_or_default()
    }

    async fn need(&mut self) -> Result<()> {
        if !self.fill().await? {
            bail!("the server closed the connection in the middle of a response");
        }
        Ok(())
    }

    /// Reads more; false at the stream's end.
    async fn fill(&mut self) -> Result<bool> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        Ok(self.stream.read_buf(&mut self.buffer).await? > 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use tokio::net::TcpListener;

    use super::*;

    /// What the client makes of `answer`, sent in pieces of `piece` bytes.
    async fn answered(answer: &'static [u8], piece: usize, requests: usize) -> Vec<Response> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut ignored = [0; 1024];
            for _ in 0..requests {
                assert!(stream.read(&mut ignored).await.unwrap() > 0);
                for part in answer.chunks(piece) {
                    stream.write_all(part).await.unwrap();
                    stream.flush().await.unwrap();
                    tokio::task::yield_now().await;
                }
            }
        });
        let mut connection = Connection::open(address).await.unwrap();
        let request = request("GET", "/", address, &[], b"");
        let mut responses = Vec::new();
        for _ in 0..requests {
            responses.push(connection.exchange(&request).await.unwrap());
        }
        server.await.unwrap();
        responses
    }

    const WITH_LENGTH: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: a\r\n\r\nhello";
    const IN_CHUNKS: &[u8] = b"HTTP/1.1 401 Unauthorized\r\ntransfer-encoding: chunked\r\n\r\n\
        3\r\nhel\r\n2;note=x\r\nlo\r\n0\r\n\r\n";

    #[tokio::test]
    async fn bodies_are_read_completely_for_every_framing_and_segmentation() {
        for piece in [1, 2, 7, 1000] {
            for (answer, status) in [(WITH_LENGTH, 200), (IN_CHUNKS, 401)] {
                for response in answered(answer, piece, 3).await {
                    assert_eq!(response.status, status);
                    assert_eq!(response.body, b"hello");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_body_without_a_length_ends_with_the_connection() {
        let responses = answered(b"HTTP/1.1 200 OK\r\n\r\nhello", 4, 1).await;
        assert_eq!(responses[0].body, b"hello");
    }

    #[tokio::test]
    async fn a_response_sent_before_the_request_was_read_is_received_and_the_next_request_reconnects()
     {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut start = [0; 16];
                stream.read_exact(&mut start).await.unwrap();
                let answer =
                    b"HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
                stream.write_all(answer).await.unwrap();
                // Held open, unread, until the client has gone.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            }
        });
        let mut connection = Connection::open(address).await.unwrap();
        let large = request("POST", "/", address, &[], &vec![0; 64 << 20]);
        for _ in 0..2 {
            assert_eq!(connection.status(&large).await.unwrap(), 413);
        }
        drop(connection);
        server.await.unwrap();
    }

    #[tokio::test]
    async fn header_names_are_found_in_any_case() {
        let responses = answered(WITH_LENGTH, 1000, 1).await;
        assert_eq!(responses[0].header("x-kind"), Some("a"));
        assert_eq!(responses[0].header("x-other"), None);
    }
}
