//! Chapter 2: what two libraries make of a port that is too large.
use dns_lookup::getaddrinfo;

// ANCHOR: main
fn main() {
    let port = "70000";
    match getaddrinfo(Some("127.0.0.1"), Some(port), None) {
        Ok(answers) => {
            for answer in answers.flatten().take(1) {
                println!("getaddrinfo   {}", answer.sockaddr);
            }
        }
        Err(error) => println!("getaddrinfo   {error}"),
    }
    match port.parse::<u16>() {
        Ok(port) => println!("parse::<u16>  {port}"),
        Err(error) => println!("parse::<u16>  {error}"),
    }
}
// ANCHOR_END: main
