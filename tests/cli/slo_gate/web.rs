//! A web server on loopback that answers one request per connection.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

/// Serves in a thread of its own, which ends with the process; returns the address.
pub(super) fn serve(answer: impl Fn(&str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("as the test made it");
    let address = listener.local_addr().expect("as the test made it").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who asks may go away before the answer.
            drop(one(stream, &answer));
        }
    });
    address
}

fn one(mut stream: TcpStream, answer: &impl Fn(&str) -> String) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => head.extend_from_slice(&buffer[..count]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.split_whitespace().nth(1).unwrap_or_default();
    stream.write_all(answer(target).as_bytes())
}

/// Makes an answer of HTTP.
pub(super) fn response(status: &str, more: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{more}\r\n{body}"
    )
}
