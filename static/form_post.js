// Submits the authorization response. A parameter named "submit" would hide the method of the form.
HTMLFormElement.prototype.submit.call(document.getElementById("answer"));
