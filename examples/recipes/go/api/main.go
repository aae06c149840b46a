// An API that verifies access tokens (RFC 9068), with go-oidc.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

const scope = "invoices.read"

// claims are the claims of an access token that go-oidc does not parse.
type claims struct {
	ClientID string          `json:"client_id"`
	Scope    string          `json:"scope"`
	Cnf      json.RawMessage `json:"cnf"`
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8090"
	}
	provider, err := oidc.NewProvider(context.Background(), os.Getenv("ISSUER"))
	if err != nil {
		log.Fatal(err)
	}
	// ClientID is the audience. The issuer's metadata lists more algorithms, for ID tokens; this is the one of access tokens.
	verifier := provider.Verifier(&oidc.Config{
		ClientID:             os.Getenv("AUDIENCE"),
		SupportedSigningAlgs: []string{oidc.ES256},
	})
	http.HandleFunc("GET /invoices", func(w http.ResponseWriter, r *http.Request) {
		invoices(w, r, verifier)
	})
	log.Fatal(http.ListenAndServe("localhost:"+port, nil))
}

func invoices(w http.ResponseWriter, r *http.Request, verifier *oidc.IDTokenVerifier) {
	kind, raw, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(kind, "Bearer") {
		refuse(w, http.StatusUnauthorized, "Bearer")
		return
	}
	subject, allowed, err := verify(r.Context(), verifier, raw)
	if err != nil {
		refuse(w, http.StatusUnauthorized, `Bearer error="invalid_token"`)
		return
	}
	if !slices.Contains(allowed, scope) {
		refuse(w, http.StatusForbidden, `Bearer error="insufficient_scope", scope="`+scope+`"`)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"sub": subject})
}

// verify returns the subject and the scope of an access token for this API.
func verify(ctx context.Context, verifier *oidc.IDTokenVerifier, raw string) (string, []string, error) {
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return "", nil, err
	}
	// go-oidc does not check `typ`: it would accept an ID token.
	if kind, err := typ(raw); err != nil || kind != "at+jwt" {
		return "", nil, errors.New("not an access token")
	}
	var values claims
	if err := token.Claims(&values); err != nil {
		return "", nil, err
	}
	// Refuses bound tokens (RFC 8705, RFC 9449), because the binding is not checked here.
	if values.ClientID == "" || values.Cnf != nil {
		return "", nil, errors.New("no client, or a sender-constrained token")
	}
	return token.Subject, strings.Fields(values.Scope), nil
}

func typ(raw string) (string, error) {
	head, _, _ := strings.Cut(raw, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		return "", err
	}
	var header struct {
		Type string `json:"typ"`
	}
	return header.Type, json.Unmarshal(text, &header)
}

func refuse(w http.ResponseWriter, status int, challenge string) {
	w.Header().Set("WWW-Authenticate", challenge)
	w.WriteHeader(status)
}
