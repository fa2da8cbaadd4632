//! The example app as a program: `certificate-app`, configured by the environment.

use certificate_app::{CLIENT_ID, Config, router};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let set = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    if std::env::args().len() > 1 {
        eprintln!(
            "Takes no arguments. Environment: ISSUER (http://localhost:8080/t/certificate), CLIENT_ID (certificate-app),\n\
             CLIENT_SECRET, PUBLIC_URL (http://localhost:8090), LISTEN (127.0.0.1:8090), EXTRA_CA (a PEM file)."
        );
        std::process::exit(2);
    }
    let config = Config {
        issuer: set("ISSUER", "http://localhost:8080/t/certificate"),
        client_id: set("CLIENT_ID", CLIENT_ID),
        client_secret: madoguchi_domain::Secret::new(set("CLIENT_SECRET", "")),
        public_url: set("PUBLIC_URL", "http://localhost:8090"),
        extra_ca: std::env::var_os("EXTRA_CA").map(std::fs::read).transpose()?,
        institution: (set("INSTITUTION_JA", ""), set("INSTITUTION_EN", "")),
    };
    let listener = tokio::net::TcpListener::bind(set("LISTEN", "127.0.0.1:8090")).await?;
    eprintln!("{} on {}", config.public_url, listener.local_addr()?);
    axum::serve(listener, router(config)?).await?;
    Ok(())
}
