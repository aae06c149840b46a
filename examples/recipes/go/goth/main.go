// A web application that signs users in, with goth. It sends neither PKCE nor a nonce: register the client with
//
//	{"gw_require_pkce": false, "gw_require_nonce": false}
//
// and prefer go-oidc, in ../oidc, where you can choose.
package main

import (
	"crypto/rand"
	"encoding/json"
	"log"
	"net/http"
	"os"

	"github.com/gorilla/sessions"
	"github.com/markbates/goth"
	"github.com/markbates/goth/gothic"
	"github.com/markbates/goth/providers/openidConnect"
)

func main() {
	issuer, port := os.Getenv("ISSUER"), os.Getenv("PORT")
	if port == "" {
		port = "8090"
	}
	provider, err := openidConnect.New(
		os.Getenv("CLIENT_ID"), os.Getenv("CLIENT_SECRET"), "http://localhost:"+port+"/callback",
		issuer+"/.well-known/openid-configuration", "profile", "email",
	)
	if err != nil {
		log.Fatal(err)
	}
	goth.UseProviders(provider)
	// The cookie has `state`, the only binding of the response to this browser.
	store := sessions.NewCookieStore([]byte(rand.Text())) // a real application stores the key
	store.Options = &sessions.Options{Path: "/", MaxAge: 600, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	gothic.Store = store

	http.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		gothic.BeginAuthHandler(w, gothic.GetContextWithProvider(r, provider.Name()))
	})
	http.HandleFunc("GET /callback", func(w http.ResponseWriter, r *http.Request) {
		user, err := gothic.CompleteUserAuth(w, gothic.GetContextWithProvider(r, provider.Name()))
		// RFC 9207: goth does not compare it.
		if err != nil || r.URL.Query().Get("iss") != issuer {
			log.Print(err)
			http.Error(w, "The sign-in failed.", http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"sub": user.UserID, "email": user.Email})
	})
	log.Fatal(http.ListenAndServe("localhost:"+port, nil))
}
