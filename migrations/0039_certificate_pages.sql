-- The inventory is listed by expiry, page by page. Many certificates may expire in the same second, so the thumbprint
-- is part of the order.
DROP INDEX certificates_by_expiry;
CREATE INDEX certificates_by_expiry ON certificates (not_after, thumbprint);
