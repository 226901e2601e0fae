//! A client that sends and receives plain bytes, for what an HTTP client would not send.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::wait::PATIENCE;

/// A TCP connection, written to and read from byte by byte.
pub struct Raw(TcpStream);

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// Where nobody listens.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends bytes as they are. A server that has hung up already is no failure
    /// of the sender.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.0.write_all(bytes.as_ref()).is_ok()
    }

    /// Sends zeros until the server takes no more for a tenth of a second. Returns whether that
    /// happened, and not that it hung up, or took this many.
    pub fn send_until_full(&mut self, most_bytes: usize) -> bool {
        let zeros = [0; 64 << 10];
        let pause = Duration::from_millis(100);
        self.0.set_write_timeout(Some(pause)).unwrap();
        let mut sent = 0;
        let is_full = loop {
            match self.0.write(&zeros) {
                Ok(_) if sent >= most_bytes => break false,
                Ok(count) => sent += count,
                Err(error) => break error.kind() == io::ErrorKind::WouldBlock,
            }
        };
        self.0.set_write_timeout(Some(PATIENCE)).unwrap();
        is_full
    }

    /// Closes the sending half of the connection.
    pub fn end(&self) {
        let _ = self.0.shutdown(Shutdown::Write);
    }

    /// Reads until this text has come, or the server hangs up, and gives all that
    /// was read.
    ///
    /// # Panics
    /// Where neither happens within [`PATIENCE`].
    pub fn read_until(&mut self, text: &str) -> String {
        let mut read = Vec::new();
        let mut chunk = [0; 1024];
        loop {
            if String::from_utf8_lossy(&read).contains(text) && !text.is_empty() {
                break;
            }
            match self.0.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => read.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the server neither answered nor hung up: {error}"),
            }
        }
        String::from_utf8_lossy(&read).into_owned()
    }

    /// Reads until the server hangs up.
    ///
    /// # Panics
    /// Where it does not within [`PATIENCE`].
    pub fn read_to_end(&mut self) -> String {
        self.read_until("")
    }
}
