// A web application that signs users in, with go-oidc and x/oauth2.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// claims are the user's claims from userinfo; the ID token has no names unless the client is registered with gw_id_token_claims.
type claims struct {
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"`
	Email   string `json:"email"`
}

var errOtherRequest = errors.New("a response to another request")

type application struct {
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	oauth    oauth2.Config
	issuer   string
}

func main() {
	issuer, clientID, port := os.Getenv("ISSUER"), os.Getenv("CLIENT_ID"), os.Getenv("PORT")
	if port == "" {
		port = "8090"
	}
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		log.Fatal(err)
	}
	app := &application{
		provider: provider,
		verifier: provider.Verifier(&oidc.Config{ClientID: clientID}),
		oauth: oauth2.Config{
			ClientID:     clientID,
			ClientSecret: os.Getenv("CLIENT_SECRET"),
			Endpoint:     provider.Endpoint(),
			RedirectURL:  "http://localhost:" + port + "/callback",
			Scopes:       []string{oidc.ScopeOpenID, "profile", "email"},
		},
		issuer: issuer,
	}
	// Otherwise it retries with client_secret_post after every refusal.
	app.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	http.HandleFunc("GET /{$}", app.login)
	http.HandleFunc("GET /callback", app.callback)
	log.Fatal(http.ListenAndServe("localhost:"+port, nil))
}

// login generates state, nonce and the PKCE verifier, and binds them to the browser. A real application then creates a session.
func (app *application) login(w http.ResponseWriter, r *http.Request) {
	state, nonce, verifier := rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	for name, value := range map[string]string{"state": state, "nonce": nonce, "verifier": verifier} {
		http.SetCookie(w, &http.Cookie{
			Name: "recipe-" + name, Value: value, Path: "/", MaxAge: 600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		})
	}
	url := app.oauth.AuthCodeURL(state, oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier))
	http.Redirect(w, r, url, http.StatusFound)
}

func (app *application) callback(w http.ResponseWriter, r *http.Request) {
	kept := func(name string) string {
		cookie, err := r.Cookie("recipe-" + name)
		if err != nil {
			return ""
		}
		return cookie.Value
	}
	query := r.URL.Query()
	// The second is RFC 9207; x/oauth2 compares neither.
	if kept("state") == "" || query.Get("state") != kept("state") || query.Get("iss") != app.issuer {
		http.Error(w, "The sign-in failed.", http.StatusBadRequest)
		return
	}
	person, err := app.redeem(r.Context(), query.Get("code"), kept("nonce"), kept("verifier"))
	if err != nil {
		log.Print(err)
		http.Error(w, "The sign-in failed.", http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(person)
}

func (app *application) redeem(ctx context.Context, code, nonce, verifier string) (*claims, error) {
	tokens, err := app.oauth.Exchange(ctx, code, oauth2.VerifierOption(verifier))
	if err != nil {
		return nil, err
	}
	raw, _ := tokens.Extra("id_token").(string)
	idToken, err := app.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	// go-oidc leaves this check to the application.
	if idToken.Nonce != nonce {
		return nil, errOtherRequest
	}
	info, err := app.provider.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return nil, err
	}
	// OIDC Core §5.3.2: otherwise the response may be about another user.
	if info.Subject != idToken.Subject {
		return nil, errOtherRequest
	}
	person := new(claims)
	return person, info.Claims(person)
}
