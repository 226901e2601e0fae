//! The sockets of a server: TCP, or Unix sockets, that it opened itself or was passed.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host};

use super::address::{ListenAddress, in_order};

/// The address that a client of a Unix socket has in place of one of its own: it is a
/// process of this machine, and no TCP client has port 0.
pub const UNIX_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// How much of a response the kernel takes from this process before the client's side has
/// room for it, in bytes. It would take megabytes, and a client's pace would be seen as late.
const UNSENT_BYTES: u32 = 64 << 10;

/// Connections that may wait to be accepted, as in the standard library.
const BACKLOG: i32 = 1024;

/// A socket that another program listened on before, such as systemd.
#[derive(Debug)]
pub enum PassedSocket {
    /// A TCP socket.
    Tcp(std::net::TcpListener),
    /// A Unix socket.
    Unix(std::os::unix::net::UnixListener),
}

/// A listening socket.
pub(super) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, which goes with the listener that made it.
pub(super) struct SocketFile {
    path: PathBuf,
    /// Device and inode of what this process made, where it did.
    made: Option<(u64, u64)>,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let there = fs::symlink_metadata(&self.path);
        if self.made.is_some() && there.is_ok_and(|there| Some(identity(&there)) == self.made) {
            // Whoever removed it meanwhile wanted the same.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &fs::Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

impl Listener {
    /// Listens on an address. A Unix socket gets these permissions.
    pub(super) async fn open(address: &ListenAddress, mode: u32) -> io::Result<Listener> {
        let tcp = match address {
            ListenAddress::Ip(address) => TcpListener::bind(address).await?,
            ListenAddress::Name(host, port) => {
                let found = lookup_host((host.as_str(), *port)).await?;
                TcpListener::bind(in_order(found).as_slice()).await?
            }
            ListenAddress::All(port) => {
                // Of both versions of IP, but on a machine without version 6.
                match TcpListener::bind((Ipv6Addr::UNSPECIFIED, *port)).await {
                    Err(error) if !is_in_use(&error) => {
                        TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).await?
                    }
                    bound => bound?,
                }
            }
            ListenAddress::Unix(path) => return open_unix(path, mode),
        };
        let address = tcp.local_addr()?;
        Ok(Listener::Tcp(tcp, address))
    }

    /// Takes over a socket that is listened on.
    pub(super) fn passed(socket: PassedSocket) -> io::Result<Listener> {
        match socket {
            PassedSocket::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                let address = socket.local_addr()?;
                Ok(Listener::Tcp(TcpListener::from_std(socket)?, address))
            }
            PassedSocket::Unix(socket) => {
                socket.set_nonblocking(true)?;
                let address = socket.local_addr()?;
                let path = address.as_pathname().unwrap_or(Path::new("@")).to_owned();
                let file = SocketFile { path, made: None };
                Ok(Listener::Unix(UnixListener::from_std(socket)?, file))
            }
        }
    }

    /// The address of a TCP socket, with the port that it got.
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Listener::Tcp(_, address) => *address,
            Listener::Unix(..) => UNIX_CLIENT,
        }
    }

    /// The path of a Unix socket.
    pub(super) fn path(&self) -> Option<&Path> {
        match self {
            Listener::Tcp(..) => None,
            Listener::Unix(_, file) => Some(&file.path),
        }
    }

    pub(super) async fn accept(&self) -> io::Result<(Socket, SocketAddr)> {
        match self {
            Listener::Tcp(listener, _) => {
                let (stream, peer) = listener.accept().await?;
                // Responses are written whole: waiting to fill a packet only adds delay.
                let _ = stream.set_nodelay(true);
                let _ = SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES);
                Ok((Socket::Tcp(stream), peer))
            }
            Listener::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Socket::Unix(stream), UNIX_CLIENT))
            }
        }
    }
}

fn is_in_use(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied
    )
}

/// Listens on a Unix socket of this path. The file of a server that is gone is replaced; that
/// of one that runs, and anything else, is not.
fn open_unix(path: &Path, mode: u32) -> io::Result<Listener> {
    match fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => {
            let problem = "there is a file of this name that is no socket";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, problem));
        }
        Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path)?;
            }
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(error) => return Err(error),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    let made = Some(identity(&fs::symlink_metadata(path)?));
    let file = SocketFile {
        path: path.to_owned(),
        made,
    };
    // Before anybody can connect, since nobody listens yet.
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    listen(&socket, BACKLOG)?;
    let socket = std::os::unix::net::UnixListener::from(socket);
    Ok(Listener::Unix(UnixListener::from_std(socket)?, file))
}

/// A connection with a client.
pub(super) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Socket {
    /// Waits until something of this kind is known of the socket.
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Socket::Tcp(stream) => stream.ready(interest).await,
            Socket::Unix(stream) => stream.ready(interest).await,
        }
    }

    /// Lets the end of a TCP connection be a reset. A Unix socket knows none.
    ///
    /// # Errors
    ///
    /// Where the connection is gone already.
    pub(super) fn set_zero_linger(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.set_zero_linger(),
            Socket::Unix(_) => Ok(()),
        }
    }

    /// The address that a TCP client connected to.
    pub(super) fn local_address(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(stream) => stream.local_addr().ok(),
            Socket::Unix(_) => None,
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
