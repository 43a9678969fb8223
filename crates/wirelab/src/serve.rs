//! The live book: the pages on a loopback address, built anew and reloaded when a source changes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use notify::RecursiveMode;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::saves::{Scope, files_below};

mod pages;

/// How long open answers may still take once the end is asked for.
const GRACE: Duration = Duration::from_secs(1);

/// Which edition of the book is served, and what is wrong with the next one.
#[derive(Clone, Debug)]
pub struct Edition {
    /// The folder with its pages.
    pub folder: Arc<PathBuf>,
    /// Differs between any two editions, also between those of two runs.
    pub number: u64,
    /// Why the sources as they are now make no book.
    pub trouble: Option<String>,
}

impl Edition {
    /// The first one of this run.
    #[must_use]
    pub fn first(folder: PathBuf) -> Edition {
        Edition {
            folder: Arc::new(folder),
            number: fresh_number(),
            trouble: None,
        }
    }

    /// The one that follows when a build succeeded.
    #[must_use]
    pub fn next(folder: PathBuf) -> Edition {
        Edition::first(folder)
    }

    /// The same pages still, with what was wrong with the new ones.
    #[must_use]
    pub fn with_trouble(&self, trouble: String) -> Edition {
        Edition {
            trouble: Some(trouble),
            ..self.clone()
        }
    }
}

/// Counts on from the time of the start, so that a page of a former run knows that it is old.
fn fresh_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| {
            u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
        });
    LAST.fetch_max(now, Ordering::Relaxed);
    LAST.fetch_add(1, Ordering::Relaxed)
}

/// A socket that listens, and its runtime.
#[derive(Debug)]
pub struct Server {
    runtime: tokio::runtime::Runtime,
    listener: TcpListener,
    address: SocketAddr,
}

/// Which port to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// This one or none.
    Fixed(u16),
    /// This one if it is free, so that open pages and their settings go on; else any.
    Preferred(u16),
    /// Any that is free.
    Any,
}

impl Server {
    /// Binds a loopback address.
    ///
    /// # Errors
    /// When the port is in use or may not be taken.
    pub fn bind(port: Port) -> anyhow::Result<Server> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the web server's runtime")?;
        let listener = runtime.block_on(listen(port))?;
        let address = listener
            .local_addr()
            .context("cannot tell the web server's address")?;
        Ok(Server {
            runtime,
            listener,
            address,
        })
    }

    /// Where the front page is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// The port that was taken.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Serves what `editions` holds until `end` turns true or is dropped. Requests must name a
    /// loopback host or one of `hosts`.
    ///
    /// # Errors
    /// When the listening socket fails.
    pub fn run(
        self,
        editions: watch::Receiver<Edition>,
        hosts: Vec<String>,
        mut end: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let app = pages::router(editions, hosts);
        let until = |mut end: watch::Receiver<bool>| async move {
            // A sender that is gone asks for the end as well.
            let _ = end.wait_for(|end| *end).await;
        };
        let shutdown = until(end.clone());
        self.runtime.block_on(async move {
            let serving = async {
                axum::serve(self.listener, app)
                    .with_graceful_shutdown(shutdown)
                    .await
                    .context("the web server stopped")
            };
            let cut = async {
                let _ = end.wait_for(|end| *end).await;
                // An open page holds its stream of events for ever.
                tokio::time::sleep(GRACE).await;
                Ok(())
            };
            tokio::pin!(serving, cut);
            futures_util::future::select(serving, cut)
                .await
                .factor_first()
                .0
        })
    }
}

async fn listen(port: Port) -> anyhow::Result<TcpListener> {
    let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let (wanted, strict) = match port {
        Port::Fixed(port) => (port, true),
        Port::Preferred(port) => (port, false),
        Port::Any => (0, true),
    };
    match bind(wanted).await {
        Ok(listener) => Ok(listener),
        Err(_) if !strict => bind(0).await.context("no port on 127.0.0.1 is free"),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => bail!(
            "port {wanted} of 127.0.0.1 is in use; choose another with --port, or leave it out and a free one is found"
        ),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => bail!(
            "port {wanted} of 127.0.0.1 may not be taken ({error}); choose one of 1024 or more"
        ),
        Err(error) => {
            Err(error).with_context(|| format!("cannot listen on port {wanted} of 127.0.0.1"))
        }
    }
}

/// The address at which the book was last served: `.wirelab/serve.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastServed {
    /// The version of the format.
    pub version: u32,
    /// The port on 127.0.0.1.
    pub port: u16,
}

impl LastServed {
    /// What the file says; `None` where there is none or it makes no sense.
    #[must_use]
    pub fn read(folder: &Path) -> Option<LastServed> {
        let text = std::fs::read(folder.join("serve.json")).ok()?;
        serde_json::from_slice(&text)
            .ok()
            .filter(|last: &LastServed| last.version == 1)
    }

    /// Remembers it for the next run.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        crate::progress::write_whole(&folder.join("serve.json"), &text)
    }

    /// The address, if something listens there at this moment.
    #[must_use]
    pub fn url_if_live(&self) -> Option<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        std::net::TcpStream::connect_timeout(&address, Duration::from_millis(50)).ok()?;
        Some(format!("http://{address}/"))
    }
}

/// The sources of the book at this folder.
#[derive(Clone, Debug)]
pub struct BookSources(pub PathBuf);

impl BookSources {
    fn is_source(&self, path: &Path) -> bool {
        let inside = path.strip_prefix(&self.0).unwrap_or(path);
        let first = inside
            .iter()
            .next()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // What is built, and what only the browser tests need.
        !matches!(first.as_str(), "build" | "e2e" | "target")
            && !inside.iter().any(|part| part == "node_modules")
    }
}

impl Scope for BookSources {
    fn files(&self) -> Vec<PathBuf> {
        files_below(&self.0, &|path| self.is_source(path))
    }

    fn folders(&self) -> Vec<(PathBuf, RecursiveMode)> {
        let below = std::fs::read_dir(&self.0)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_dir() && self.is_source(path))
            .map(|path| (path, RecursiveMode::Recursive));
        std::iter::once((self.0.clone(), RecursiveMode::NonRecursive))
            .chain(below)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edition_has_its_own_number() {
        let first = Edition::first(PathBuf::new());
        let next = Edition::next(PathBuf::new());
        assert!(next.number > first.number);
        assert_eq!(next.with_trouble("no".into()).number, next.number);
    }

    #[test]
    fn what_is_built_is_no_source() {
        let book = tempfile::tempdir().unwrap();
        for file in [
            "book.toml",
            "src/SUMMARY.md",
            "build/index.html",
            "e2e/run.js",
        ] {
            let path = book.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let sources = BookSources(book.path().to_path_buf());
        let files: Vec<_> = sources
            .files()
            .iter()
            .map(|path| path.strip_prefix(book.path()).unwrap().to_path_buf())
            .collect();
        assert_eq!(files, [Path::new("book.toml"), Path::new("src/SUMMARY.md")]);
    }

    #[test]
    fn a_port_in_use_is_said_and_a_preferred_one_gives_way() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Server::bind(Port::Fixed(port)).unwrap_err().to_string();
        assert!(error.contains("in use"), "{error}");
        assert_ne!(Server::bind(Port::Preferred(port)).unwrap().port(), port);
    }
}
