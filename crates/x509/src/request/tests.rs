use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData as _, SigningKey};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// A request whose names are ignored.
fn request(key: &impl SigningKey) -> Vec<u8> {
    let mut params = CertificateParams::new(["somebody.else.example".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "somebody else");
    params.serialize_request(key).unwrap().der().to_vec()
}

fn pem(der: &[u8]) -> String {
    format!(
        "-----BEGIN CERTIFICATE REQUEST-----\n{}\n-----END CERTIFICATE REQUEST-----\n",
        STANDARD.encode(der)
    )
}

#[test]
fn requests_are_parsed_in_the_encodings_of_common_tools() {
    let algorithms = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ];
    for algorithm in algorithms {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let der = request(&key);
        let in_lines: String = STANDARD
            .encode(&der)
            .as_bytes()
            .chunks(60)
            .map(|line| format!("{}\r\n", str::from_utf8(line).unwrap()))
            .collect();
        for form in [
            der.clone(),
            pem(&der).into_bytes(),
            STANDARD.encode(&der).into_bytes(),
            in_lines.into_bytes(),
        ] {
            let read = CertificationRequest::parse(&form).unwrap();
            assert_eq!(read.key.subject_public_key_info(), key.subject_public_key_info());
        }
    }
}

/// RFC 2986 §3: the requester has the private key.
#[test]
fn a_request_with_the_key_of_another_is_refused() {
    struct Thief<'a>(&'a KeyPair, &'a KeyPair);
    impl rcgen::PublicKeyData for Thief<'_> {
        fn der_bytes(&self) -> &[u8] {
            self.1.der_bytes()
        }
        fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
            self.1.algorithm()
        }
    }
    impl SigningKey for Thief<'_> {
        fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
            self.0.sign(message)
        }
    }
    let (own, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());

    let read = CertificationRequest::parse(&request(&Thief(&own, &other)));

    assert_eq!(read.unwrap_err(), "the request is not signed with the key that it is for");
}

#[test]
fn only_supported_keys_are_certified() {
    let p521 = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap();
    assert_eq!(CertificationRequest::parse(&request(&p521)).unwrap_err(), UNSUPPORTED_KEY);
    // openssl req -new -newkey rsa:1024 -nodes -subj /CN=small
    assert_eq!(
        CertificationRequest::parse(include_bytes!("small_rsa.pem")).unwrap_err(),
        "the RSA key has fewer than 2048 bits"
    );
    // openssl req -new -newkey rsa:2048 -nodes -subj /CN=old -sha1
    assert_eq!(
        CertificationRequest::parse(include_bytes!("sha1.pem")).unwrap_err(),
        UNSUPPORTED_ALGORITHM
    );
}

#[test]
fn invalid_requests_are_refused() {
    let key = KeyPair::generate().unwrap();
    let der = request(&key);
    for at in 0..der.len() {
        assert!(CertificationRequest::parse(&der[..at]).is_err(), "cut at {at}");
        let mut changed = der.clone();
        changed[at] ^= 1;
        // Unsigned bytes may change the encoding; the key stays the same.
        if let Ok(read) = CertificationRequest::parse(&changed) {
            let read = read.key.subject_public_key_info();
            assert_eq!(read, key.subject_public_key_info(), "byte {at}");
        }
    }
    let more = [der.as_slice(), b"x"].concat();
    let large = vec![0x30; MAX_BYTES + 1];
    for bytes in [b"".as_slice(), b"-----", b"0", b"hello", &more, &large] {
        assert!(CertificationRequest::parse(bytes).is_err());
    }
}

proptest::proptest! {
    /// THREATS MT-07: arbitrary input.
    #[test]
    fn no_request_causes_a_panic(bytes: Vec<u8>, at: usize, byte: u8) {
        let _ = CertificationRequest::parse(&bytes);
        let mut der = STANDARD.decode(REQUEST).unwrap();
        let at = at % der.len();
        der[at] = byte;
        let _ = CertificationRequest::parse(&der);
        let _ = CertificationRequest::parse(&der[..at]);
    }
}

/// A request on P-256, with a name and an attribute.
const REQUEST: &str = "MIH6MIGhAgEAMBgxCjAIBgNVBAMMAWExCjAIBgNVBAoMAWIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAARfeAIVpkeiOu1t7YESUXE39ebcZuTqQg8FnePOPgcNRKwYObu6L+cXUU5CMRAlVyxbZVFcaaGiwc0RfffNC6KeoCcwJQYJKoZIhvcNAQkOMRgwFjAUBgNVHREEDTALgglhLmV4YW1wbGUwCgYIKoZIzj0EAwIDSAAwRQIhAKxnfV6ZxinfRLUGvrAn6h3jeGFip7sZ4OesZGFASEwbAiBqIlSjiNrAGXFSkNnzlA14xVQzZbD0JcWstNypS8bX6g==";
