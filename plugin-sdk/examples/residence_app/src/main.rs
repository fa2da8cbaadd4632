//! The example app as a program: `residence-app`, configured by the environment.

use residence_app::{CLIENT_ID, Config, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    if std::env::args().len() > 1 {
        eprintln!(
            "Takes no arguments. Environment: ISSUER (http://localhost:8080/t/residence), CLIENT_ID (residence-app),\n\
             CLIENT_SECRET, PUBLIC_URL (http://localhost:8091), LISTEN (127.0.0.1:8091), EXTRA_CA (a PEM file)."
        );
        std::process::exit(2);
    }
    let config = Config {
        issuer: set("ISSUER", "http://localhost:8080/t/residence"),
        client_id: set("CLIENT_ID", CLIENT_ID),
        client_secret: madoguchi_domain::Secret::new(set("CLIENT_SECRET", "")),
        public_url: set("PUBLIC_URL", "http://localhost:8091"),
        extra_ca: std::env::var_os("EXTRA_CA").map(std::fs::read).transpose()?,
    };
    let listener = tokio::net::TcpListener::bind(set("LISTEN", "127.0.0.1:8091")).await?;
    eprintln!("{} on {}", config.public_url, listener.local_addr()?);
    axum::serve(listener, router(config)?).await?;
    Ok(())
}
