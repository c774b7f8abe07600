//! Models by their names on Hugging Face's hub, or a server that answers as it does: asked for what a repository holds, and fetched.
//!
//! Nothing here is called but by a person's click or command. `HF_ENDPOINT` names another server and `HF_TOKEN` a token for models
//! whose makers want to know who fetches them, as in Hugging Face's own programs.

mod error;
mod fetch;
mod plan;
mod repository;

pub use error::Error;
pub use fetch::Progress;
pub use plan::Plan;
pub use repository::Repository;

use serde_json::Value;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

/// The server unless another is given.
pub const ENDPOINT: &str = "https://huggingface.co";

/// A list of files larger than this is none.
const LARGEST_LIST: u64 = 16 << 20;

/// The most pages of a list that are read; each has up to a thousand files.
const PAGES: usize = 16;

/// The result of asking a hub.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A server of models.
#[derive(Debug, Clone)]
pub struct Hub {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
    /// The wait before another try, longer with each that brought nothing.
    pause: Duration,
}

/// A file of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
struct RemoteFile {
    /// Its path in the repository.
    path: String,
    bytes: u64,
    /// Its SHA-256, which the hub tells of large files.
    sha256: Option<String>,
}

impl Hub {
    /// The server in `HF_ENDPOINT`, or Hugging Face's own, with the token in `HF_TOKEN`.
    ///
    /// # Errors
    /// If `HF_ENDPOINT` is no address.
    pub fn from_environment() -> Result<Self> {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
        let mut hub = Self::at(&variable("HF_ENDPOINT").unwrap_or_else(|| ENDPOINT.to_owned()))?;
        hub.token = variable("HF_TOKEN").map(|token| token.trim().to_owned());
        Ok(hub)
    }

    /// The server at this address.
    ///
    /// # Errors
    /// If it is no address.
    pub fn at(endpoint: &str) -> Result<Self> {
        let endpoint = endpoint.trim().trim_end_matches('/').to_owned();
        let host = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
        if host.is_none_or(|host| host.is_empty() || host.contains(char::is_whitespace)) {
            return Err(Error::Endpoint(endpoint));
        }
        let mut config = Agent::config_builder();
        if host.is_some_and(|host| host.starts_with("127.0.0.1") || host.starts_with("localhost")) {
            config = config.proxy(None);
        }
        let config = config
            .user_agent(concat!("polyptych/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .timeout_resolve(Some(Duration::from_secs(20)))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_mins(1)))
            // A server that says nothing for so long is asked again.
            .timeout_per_read(Some(Duration::from_secs(30)))
            .build();
        Ok(Self { agent: config.into(), endpoint, token: None, pause: Duration::from_secs(1) })
    }

    /// The same without waits between tries.
    #[must_use]
    pub fn without_pauses(mut self) -> Self {
        self.pause = Duration::ZERO;
        self
    }

    /// Its address.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What is to be fetched of a repository: the one file that is named or is its only model, or a whole checkpoint in the diffusers
    /// layout, in half precision where there is one.
    ///
    /// # Errors
    /// If there is no such repository or file, it holds none or several models, or the server cannot be asked.
    pub fn plan(&self, wanted: &Repository) -> Result<Plan> {
        Plan::of(wanted, &self.files(wanted)?)
    }

    /// Asks for an address; `from` is the byte of the file to begin at.
    fn get(&self, address: &str, from: u64) -> Result<Response<ureq::Body>> {
        let mut request = self.agent.get(address);
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        if let Some(token) = self.token.as_ref().filter(|_| address.starts_with(&self.endpoint)) {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        request
            .call()
            .map_err(|error| Error::Unreachable { endpoint: self.endpoint.clone(), reason: error.to_string() })
    }

    /// The error of an answer that is no content.
    fn refused(&self, what: &str, status: StatusCode) -> Option<Error> {
        let (what, endpoint) = (what.to_owned(), self.endpoint.clone());
        match status.as_u16() {
            200..300 => None,
            401 | 403 => Some(Error::Forbidden { what, endpoint }),
            404 | 410 => Some(Error::NotFound { what, endpoint }),
            code => Some(Error::Unreachable { endpoint, reason: format!("it answers {code} for {what}") }),
        }
    }

    /// The files of a repository.
    fn files(&self, wanted: &Repository) -> Result<Vec<RemoteFile>> {
        let mut address = format!(
            "{}/api/models/{}/tree/{}?recursive=true",
            self.endpoint,
            wanted.name(),
            repository::escaped(wanted.revision())
        );
        let mut files = Vec::new();
        for _ in 0..PAGES {
            let mut answer = self.get(&address, 0)?;
            if let Some(error) = self.refused(&wanted.name(), answer.status()) {
                return Err(error);
            }
            let next = answer.headers().get("link").and_then(|link| next_page(link.to_str().ok()?));
            let body = answer.body_mut().with_config().limit(LARGEST_LIST).read_to_vec();
            let unreachable = |reason: String| Error::Unreachable { endpoint: self.endpoint.clone(), reason };
            let body = body.map_err(|error| unreachable(error.to_string()))?;
            let list: Value =
                serde_json::from_slice(&body).map_err(|_| unreachable("its answer is no list of files".to_owned()))?;
            let list = list.as_array().ok_or_else(|| unreachable("its answer is no list of files".to_owned()))?;
            files.extend(list.iter().filter_map(remote_file));
            match next {
                // (The token goes to no other server.)
                Some(next) if next.starts_with(&self.endpoint) => address = next,
                _ => break,
            }
        }
        Ok(files)
    }

    /// The address of a file's content.
    fn address(&self, wanted: &Repository, file: &str) -> String {
        let path: Vec<String> = file.split('/').map(repository::escaped).collect();
        format!(
            "{}/{}/resolve/{}/{}",
            self.endpoint,
            wanted.name(),
            repository::escaped(wanted.revision()),
            path.join("/")
        )
    }
}

fn remote_file(entry: &Value) -> Option<RemoteFile> {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    if text("type") != Some("file") {
        return None;
    }
    let path = text("path").filter(|path| repository::is_plain_path(path))?.to_owned();
    let whole = |hash: &&str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let sha256 = entry.pointer("/lfs/oid").and_then(Value::as_str).filter(whole).map(str::to_lowercase);
    Some(RemoteFile { path, bytes: entry.get("size").and_then(Value::as_u64)?, sha256 })
}

/// The next page of a list, after a `Link` header (RFC 8288).
fn next_page(link: &str) -> Option<String> {
    link.split(',').find_map(|part| {
        let (address, relation) = part.split_once(';')?;
        let address = address.trim().strip_prefix('<')?.strip_suffix('>')?;
        relation.contains("rel=\"next\"").then(|| address.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn files_of_a_list_are_read_and_none_climbs() {
        let hash = "AB".repeat(32);
        let entry = json!({"type": "file", "path": "unet/a.safetensors", "size": 9, "lfs": {"oid": hash, "size": 9}});
        let file = RemoteFile { path: "unet/a.safetensors".into(), bytes: 9, sha256: Some("ab".repeat(32)) };
        assert_eq!(remote_file(&entry), Some(file));
        for path in ["../a", "/etc/passwd", "a/../../b", "a\\b", "", "c:d", "a//b", "./a"] {
            assert_eq!(remote_file(&json!({"type": "file", "path": path, "size": 9})), None, "{path}");
        }
        assert_eq!(remote_file(&json!({"type": "directory", "path": "unet", "size": 0})), None);
    }

    #[test]
    fn the_next_page_is_found() {
        let link = "<http://h/api?cursor=x>; rel=\"next\", <http://h/api>; rel=\"first\"";
        assert_eq!(next_page(link).as_deref(), Some("http://h/api?cursor=x"));
        assert_eq!(next_page("<http://h/api>; rel=\"first\""), None);
    }

    #[test]
    fn an_endpoint_is_an_address() {
        assert_eq!(Hub::at("https://hf-mirror.com/").expect("an address").endpoint(), "https://hf-mirror.com");
        for wrong in ["", "hf-mirror.com", "https://", "ftp://x", "http://a b"] {
            assert!(matches!(Hub::at(wrong), Err(Error::Endpoint(_))), "{wrong}");
        }
    }
}
