//! Fetching models from a server that fails in every way that servers do. It runs in the test: nothing leaves this machine.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use polyptych::checkpoint::hub::{Error, Hub, Progress, Repository};
use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How a server answers a request for a file's content.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// The connection ends after so many bytes of each answer.
    Cut(usize),
    /// The same, on a server that knows no ranges.
    CutWithoutRanges(usize),
    /// The first answer is cut, and what follows is another file's.
    OtherAfterCut(usize),
    Status(u16),
    /// The content lies elsewhere.
    Redirect,
    /// The answer does not say how long it is, and ends with the connection.
    NoLength,
    /// In pieces of a few bytes, chunked.
    Slow,
    /// It says that a range is given and gives another.
    WrongRange,
}

struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

const CONTENT: usize = 300_000;

/// Content in which every place is told from every other.
fn content(seed: u32) -> Vec<u8> {
    (0..u32::try_from(CONTENT).expect("small"))
        .map(|i| (i.wrapping_mul(2_654_435_761).wrapping_add(seed) >> 13) as u8)
        .collect()
}

/// SHA-256 by the program's own function, which a test of its own holds to the standard.
fn sha256(bytes: &[u8]) -> String {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(bytes).expect("written");
    polyptych::checkpoint::sha256_of(file.path(), || true).expect("read").expect("not stopped")
}

impl Server {
    /// A server of the repository `mia/ink` with one file; it names this hash for it.
    fn of(fault: Fault, hash: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, own) = (Arc::clone(&asked), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // (A client that has enough hangs up.)
                answer(stream, fault, hash.as_deref(), &own, &log).ok();
            }
        });
        Self { address, asked }
    }

    fn hub(&self) -> Hub {
        Hub::at(&self.address).expect("an address").without_pauses()
    }

    fn fetch(&self, folder: &Path) -> Result<PathBuf, Error> {
        self.fetch_with(folder, &mut |_| true)
    }

    fn fetch_with(&self, folder: &Path, report: &mut dyn FnMut(Progress) -> bool) -> Result<PathBuf, Error> {
        let hub = self.hub();
        let name: Repository = "mia/ink".parse().expect("a name");
        hub.plan(&name)?.fetch(&hub, folder, report)
    }

    fn contents_asked(&self) -> usize {
        self.asked.lock().expect("no panic").iter().filter(|line| line.contains("/resolve/")).count()
    }
}

fn answer(
    mut stream: TcpStream,
    fault: Fault,
    hash: Option<&str>,
    own: &str,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((key, value)) = line.trim().split_once(':') else { break };
        headers.insert(key.to_lowercase(), value.trim().to_owned());
    }
    let before = log.lock().expect("no panic").iter().filter(|line| line.contains("/resolve/")).count();
    log.lock().expect("no panic").push(request.clone());
    let path = request.split(' ').nth(1).unwrap_or_default();
    let say = |stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]| -> std::io::Result<()> {
        write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n")?;
        stream.write_all(body)
    };
    if path.starts_with("/api/models/mia/ink/tree/main") {
        let lfs = hash.map(|hash| format!(r#", "lfs": {{"oid": "{hash}", "size": {CONTENT}}}"#)).unwrap_or_default();
        let list = format!(
            r#"[{{"type": "file", "path": "README.md", "size": 5}},
                {{"type": "file", "path": "ink.safetensors", "size": {CONTENT}{lfs}}}]"#
        );
        return say(&mut stream, "200 OK", &format!("Content-Length: {}\r\n", list.len()), list.as_bytes());
    }
    let is_file = path == "/mia/ink/resolve/main/ink.safetensors";
    if !is_file && path != "/elsewhere" {
        return say(&mut stream, "404 Not Found", "Content-Length: 0\r\n", b"");
    }
    let from =
        headers.get("range").and_then(|range| range.strip_prefix("bytes=")?.strip_suffix('-')?.parse::<usize>().ok());
    let other = matches!(fault, Fault::OtherAfterCut(_)) && before > 0;
    let whole = content(u32::from(other));
    let ranges = !matches!(fault, Fault::CutWithoutRanges(_));
    let from = from.filter(|_| ranges);
    let body = &whole[from.unwrap_or(0)..];
    let (status, mut header) = match from {
        Some(from) => ("206 Partial Content", format!("Content-Range: bytes {from}-{}/{CONTENT}\r\n", CONTENT - 1)),
        None => ("200 OK", String::new()),
    };
    match fault {
        Fault::Status(code) => return say(&mut stream, &format!("{code} Because"), "Content-Length: 0\r\n", b""),
        Fault::Redirect if is_file => {
            let to = format!("Location: {own}/elsewhere\r\nContent-Length: 0\r\n");
            return say(&mut stream, "302 Found", &to, b"");
        }
        Fault::NoLength => return say(&mut stream, status, &header, body),
        Fault::Slow => {
            say(&mut stream, status, &format!("{header}Transfer-Encoding: chunked\r\n"), b"")?;
            for piece in body.chunks(997) {
                write!(stream, "{:x}\r\n", piece.len())?;
                stream.write_all(piece)?;
                stream.write_all(b"\r\n")?;
                stream.flush()?;
            }
            return stream.write_all(b"0\r\n\r\n");
        }
        Fault::WrongRange if from.is_some() => {
            return say(&mut stream, status, "Content-Range: bytes 7-9/300000\r\nContent-Length: 3\r\n", b"abc");
        }
        _ => {}
    }
    header += &format!("Content-Length: {}\r\n", body.len());
    let sent = match fault {
        Fault::Cut(bytes) | Fault::CutWithoutRanges(bytes) => body.len().min(bytes),
        Fault::OtherAfterCut(bytes) if !other => body.len().min(bytes),
        Fault::WrongRange => body.len().min(1000),
        _ => body.len(),
    };
    say(&mut stream, status, &header, &body[..sent])
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn files(folder: &Path) -> Vec<String> {
    let inside = std::fs::read_dir(folder.join("mia/ink")).into_iter().flatten().flatten();
    inside.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_file_comes_whole_through_every_fault_that_can_be_mended() {
    let hash = sha256(&content(0));
    for fault in [Fault::None, Fault::Cut(100_000), Fault::Redirect, Fault::NoLength, Fault::Slow] {
        for hash in [Some(hash.clone()), None] {
            let (server, folder) = (Server::of(fault, hash), folder());
            let mut last = None;
            let path = server.fetch_with(folder.path(), &mut |progress| {
                assert!(progress.done <= progress.total && progress.total == CONTENT as u64);
                last = Some(progress);
                true
            });
            let path = path.unwrap_or_else(|error| panic!("{fault:?}: {error}"));
            assert_eq!(path, folder.path().join("mia/ink/ink.safetensors"));
            assert!(std::fs::read(&path).expect("there") == content(0), "{fault:?}");
            assert_eq!(files(folder.path()), ["ink.safetensors"], "{fault:?}");
            assert!(last.is_some());
        }
    }
}

#[test]
fn a_cut_goes_on_from_where_it_was_and_a_whole_file_is_not_asked_for_again() {
    let (server, folder) = (Server::of(Fault::Cut(100_000), Some(sha256(&content(0)))), folder());
    server.fetch(folder.path()).expect("three answers");
    assert_eq!(server.contents_asked(), 3);
    server.fetch(folder.path()).expect("there");
    assert_eq!(server.contents_asked(), 3);
}

#[test]
fn what_cannot_be_mended_is_told_in_one_line_and_leaves_no_file() {
    let refused = |fault, hash: Option<String>| {
        let (server, folder) = (Server::of(fault, hash), folder());
        let error = server.fetch(folder.path()).expect_err("refused");
        let text = error.to_string();
        assert!(!text.contains('\n'), "{text}");
        assert!(!files(folder.path()).contains(&"ink.safetensors".to_owned()), "{fault:?}");
        (error, files(folder.path()))
    };
    let (error, left) = refused(Fault::None, Some("0".repeat(64)));
    assert!(matches!(error, Error::Damaged { .. }) && left.is_empty(), "{error}");
    assert!(matches!(refused(Fault::OtherAfterCut(50_000), Some(sha256(&content(0)))).0, Error::Damaged { .. }));
    assert!(matches!(refused(Fault::Status(404), None).0, Error::NotFound { .. }));
    assert!(matches!(refused(Fault::Status(401), None).0, Error::Forbidden { .. }));
    assert!(matches!(refused(Fault::Status(403), None).0, Error::Forbidden { .. }));
    assert!(matches!(refused(Fault::Status(503), None).0, Error::Cut { .. }));
    assert!(matches!(refused(Fault::WrongRange, None).0, Error::Cut { .. }));
    // A server that begins anew each time and never comes to the end.
    let (error, left) = refused(Fault::CutWithoutRanges(100_000), None);
    assert!(matches!(error, Error::Cut { .. }), "{error}");
    assert_eq!(left, ["ink.safetensors.part"], "the next try may go on");
}

#[test]
fn a_cancelled_fetch_goes_on_later() {
    let (server, folder) = (Server::of(Fault::Slow, Some(sha256(&content(0)))), folder());
    let mut stop_at = |progress: Progress| progress.done < 100_000;
    assert!(matches!(server.fetch_with(folder.path(), &mut stop_at), Err(Error::Cancelled)));
    assert_eq!(files(folder.path()), ["ink.safetensors.part"]);
    let there = std::fs::metadata(folder.path().join("mia/ink/ink.safetensors.part")).expect("kept").len();
    assert!(there >= 100_000, "{there}");
    let mut first = None;
    let path = server.fetch_with(folder.path(), &mut |progress| {
        first.get_or_insert(progress.done);
        true
    });
    assert!(std::fs::read(path.expect("whole")).expect("there") == content(0));
    assert_eq!(first, Some(there));
}

#[test]
fn what_is_not_there_or_does_not_answer_is_told() {
    let server = Server::of(Fault::None, None);
    let plan =
        |name: &str| server.hub().plan(&name.parse::<Repository>().expect("a name")).expect_err("refused").to_string();
    assert!(plan("mia/gone").contains("mia/gone: is not on http://127.0.0.1"), "{}", plan("mia/gone"));
    assert!(plan("mia/ink:other.safetensors").contains("other.safetensors: is not on mia/ink"));
    // A port that nobody listens on any more.
    let address = format!("http://{}", TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound"));
    let hub = Hub::at(&address).expect("an address").without_pauses();
    let error = hub.plan(&"mia/ink".parse().expect("a name")).expect_err("nobody");
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}
