-- What tokens are bound to (RFC 8705, RFC 9449). An access token that is a row holds its `cnf`; a JWT
-- carries it. The refresh tokens of a public client are bound through their grant: to the public key of
-- its certificate, to the key of its DPoP proofs. SHA-256 in base64url; NULL: to nothing.
ALTER TABLE opaque_tokens ADD COLUMN cnf TEXT;
ALTER TABLE grants ADD COLUMN public_key TEXT;
ALTER TABLE grants ADD COLUMN proof_key TEXT;
-- RFC 9449 §10: the key that must redeem the code.
ALTER TABLE codes ADD COLUMN dpop_jkt TEXT;
