//! What is answered to a request.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HOST, IF_MODIFIED_SINCE,
    LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tower::ServiceExt as _;
use tower_http::services::{ServeDir, ServeFile};

use super::Edition;

const SCRIPT: &str = include_str!("live.js");
const SCRIPT_TAG: &str = "<script src=\"/_wirelab/live.js\"></script>\n";
/// No page is as long.
const LONGEST_PAGE: usize = 64 << 20;

#[derive(Clone)]
struct Book {
    editions: watch::Receiver<Edition>,
    hosts: std::sync::Arc<[String]>,
}

/// The pages of whichever edition is the latest, and the events that say so.
pub(super) fn router(editions: watch::Receiver<Edition>, hosts: Vec<String>) -> Router {
    let book = Book {
        editions,
        hosts: hosts.into(),
    };
    Router::new()
        .route("/_wirelab/live.js", get(script))
        .route("/_wirelab/events", get(events))
        .fallback(page)
        .layer(middleware::from_fn_with_state(book.clone(), guard))
        .with_state(book)
}

/// Answers only those who asked for this host. A name that leads to 127.0.0.1 by someone else's
/// DNS would otherwise let a strange page read this one (DNS rebinding).
async fn guard(State(book): State<Book>, request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .or_else(|| request.uri().authority().map(|host| host.as_str()));
    if !host.is_some_and(|host| is_ours(host, &book.hosts)) {
        let text = "This server answers to 127.0.0.1 and localhost only; `cargo lab --host NAME` adds a name.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether `host`, with or without a port, is a name of this machine to itself or one of `more`.
fn is_ours(host: &str, more: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
        || more.iter().any(|host| host.eq_ignore_ascii_case(name))
}

async fn script() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], SCRIPT).into_response()
}

async fn events(State(book): State<Book>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut editions = book.editions;
    editions.mark_changed();
    let stream = stream::unfold(editions, |mut editions| async move {
        editions.changed().await.ok()?;
        let event = {
            let edition = editions.borrow_and_update();
            let data = serde_json::json!({ "number": edition.number, "trouble": edition.trouble });
            Event::default().data(data.to_string())
        };
        Some((Ok(event), editions))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

async fn page(State(book): State<Book>, mut request: Request) -> Response {
    let folder = book.editions.borrow().folder.clone();
    let method = request.method().clone();
    // A page is changed on its way, so that its length and date are not those of the file.
    for header in [RANGE, IF_MODIFIED_SINCE] {
        request.headers_mut().remove(header);
    }
    if method == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    let missing = missing_page(request.uri());
    let response = ServeDir::new(folder.as_path())
        .not_found_service(ServeFile::new(folder.join(missing)))
        .oneshot(request)
        .await;
    let mut response = match response {
        Ok(response) => with_script(response.map(Body::new)).await,
        Err(never) => match never {},
    };
    if method == Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// What to show in place of a file that is not there: a page for a page, nothing else for the rest.
fn missing_page(uri: &Uri) -> &'static str {
    let last = uri.path().rsplit('/').next().unwrap_or_default();
    if last.is_empty() || !last.contains('.') || last.ends_with(".html") {
        "404.html"
    } else {
        "none"
    }
}

/// A page with the script that reloads it; anything else as it is.
async fn with_script(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let is_page = parts
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !is_page {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = to_bytes(body, LONGEST_PAGE).await else {
        return (
            StatusCode::INTERNAL_SERVER_ERROR,
            "the page cannot be read\n",
        )
            .into_response();
    };
    let text = String::from_utf8_lossy(&bytes);
    let end = text.rfind("</body>").unwrap_or(text.len());
    let page = format!("{}{SCRIPT_TAG}{}", &text[..end], &text[end..]);
    for header in [ETAG, LAST_MODIFIED, ACCEPT_RANGES] {
        parts.headers.remove(header);
    }
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(page.len()));
    Response::from_parts(parts, Body::from(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_ours() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:4000",
            "127.1.2.3:80",
            "localhost:4000",
            "LOCALHOST",
            "[::1]:4000",
        ] {
            assert!(is_ours(host, &[]), "{host}");
        }
        for host in [
            "example.org",
            "example.org:4000",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "0.0.0.0:4000",
            "",
            "[",
        ] {
            assert!(!is_ours(host, &[]), "{host}");
        }
        assert!(is_ours("box.example:80", &["box.example".into()]));
    }

    #[test]
    fn a_missing_page_gets_a_page_and_a_missing_image_does_not() {
        for page in ["/nowhere", "/nowhere.html", "/folder/"] {
            assert_eq!(missing_page(&page.parse().unwrap()), "404.html");
        }
        assert_eq!(missing_page(&"/figure.svg".parse().unwrap()), "none");
    }
}
